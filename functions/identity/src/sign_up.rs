//! `POST /v1/auth/sign-up`: a new account.

use std::collections::BTreeMap;

use api::{Answer, Anyone, Body, Call, FieldFaults, Problem};
use deserr::Deserr;
use domain::{
    id::MemberId,
    member::{BirthDate, Declared, Email, Location, Nickname, Password, Phone, SignUpRole},
};
use store::{Store, identity::member::Member};
use utoipa::ToSchema;

use crate::{credentials::password, limits, view::MemberView};

/// Who wants an account. What is left out stays empty.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SignUp {
    email: Email,
    password: Password,
    nickname: Nickname,
    role: SignUpRole,
    #[deserr(default)]
    birth_date: Option<BirthDate>,
    /// That the member is 14 or older: for who doesn't say when they were born. Nobody publishes or buys without either.
    #[deserr(default)]
    fourteen_or_older: Option<Declared>,
    #[deserr(default)]
    phone: Option<Phone>,
    #[deserr(default)]
    location: Option<Location>,
}

/// Creates an account
///
/// Nobody signs up as an admin. An e-mail address or a phone number that somebody has already is refused with
/// `EMAIL_TAKEN` or `PHONE_TAKEN`. The new member is not signed in yet.
#[utoipa::path(post, path = "/v1/auth/sign-up", request_body = SignUp, responses(
    (status = 201, description = "The account", body = MemberView, headers(("Location" = String))),
))]
pub async fn handle(
    store: Store,
    call: Call<Anyone, Body<SignUp>>,
) -> Result<Answer<MemberView>, Problem> {
    let Call { input: Body(body), context, .. } = call;
    body.password
        .not_named_after(&body.email, &body.nickname)
        .map_err(|own| Problem::broken_rules(vec![("password", own)]))?;
    store.count(limits::SIGN_UP, &limits::address(&context.address), context.now).await?;
    // Hashed before anybody asks whether the address is taken, so that time tells no more than the answer.
    let password_hash = password::hash(&body.password)?;
    let member = Member {
        id: MemberId::generate(),
        email: Some(body.email),
        nickname: body.nickname,
        role: body.role.into(),
        password_hash: Some(password_hash),
        identities: BTreeMap::new(),
        birth_date: body.birth_date,
        declared_of_age_at: body.fourteen_or_older.map(|Declared| context.now),
        phone: body.phone,
        location: body.location,
        sessions_ended_at: None,
        spared_session: None,
        version: 1,
        created_at: context.now,
        updated_at: context.now,
    };
    store.transact(member.creation()).await?;
    Ok(Answer::created(member.into(), "/v1/me"))
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use serde_json::{Value, json};
    use store::identity::member::{EmailKey, MemberKey};
    use tokio::task::JoinSet;

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, fresh_email, fresh_phone, read, request, sign_up, sign_up_body, store,
    };

    async fn stored(email: &str) -> Option<Member> {
        let email: Email = email.parse().unwrap();
        let guard = store().get(&EmailKey(&email)).await.unwrap()?;
        store().get(&MemberKey(guard.member_id)).await.unwrap()
    }

    #[test]
    fn the_new_member_is_shown_without_secrets_and_stored_without_the_password() {
        stack::run(async {
            let (email, phone) = (fresh_email(), fresh_phone());
            let mut body = sign_up_body(&email);
            body["role"] = "ARTIST".into();
            body["phone"] = phone.as_str().into();
            body["birthDate"] = "1995-03-14".into();
            body["location"] = "SEOUL".into();
            let seen = sign_up(body).await;
            assert_eq!(
                (seen.status.as_u16(), &seen.headers["location"]),
                (201, &"/v1/me".parse().unwrap())
            );

            let member = stored(&email).await.unwrap();
            let hash = member.password_hash.as_ref().unwrap();
            assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
            assert!(!serde_json::to_string(&member).unwrap().contains(PASSWORD));
            assert_eq!(
                seen.body,
                json!({
                    "id": member.id, "email": email, "nickname": "미나", "role": "ARTIST",
                    "birthDate": "1995-03-14", "fourteenOrOlder": true, "phone": phone, "location": "SEOUL", "identities": [],
                    "createdAt": member.created_at, "updatedAt": member.created_at,
                })
            );
        });
    }

    #[test]
    fn what_is_not_given_stays_empty() {
        stack::run(async {
            let seen = sign_up(sign_up_body(&fresh_email())).await;
            for field in ["birthDate", "phone", "location"] {
                assert_eq!(seen.body[field], Value::Null, "{field}");
            }
        });
    }

    #[test]
    fn nobody_becomes_an_admin_and_every_bad_field_is_named() {
        let body = json!({
            "email": "nobody", "password": "12345678", "role": "ADMIN", "phone": "1", "isAdmin": true,
            "birthDate": Time::now().minus(std::time::Duration::from_hours(24 * 365 * 13)).korean_day(),
            "fourteenOrOlder": false,
        });
        let faults = deserr::deserialize::<SignUp, _, FieldFaults>(body).unwrap_err();
        let faults = format!("{faults:?}");
        for fault in [
            r#"("/email", "FORMAT""#,
            r#"("/password", "COMMON_PASSWORD""#,
            r#"("/nickname", "MISSING""#,
            r#"("/role", "CHOICE""#,
            r#"("/phone", "FORMAT""#,
            r#"("/birthDate", "UNDER_14""#,
            r#"("/fourteenOrOlder", "CHOICE""#,
            r#"("/isAdmin", "UNKNOWN_FIELD""#,
        ] {
            assert!(faults.contains(fault), "{fault} is not in {faults}");
        }
    }

    #[test]
    fn an_address_or_a_phone_number_is_one_members_alone() {
        stack::run(async {
            let (email, phone) = (fresh_email(), fresh_phone());
            let mut body = sign_up_body(&email);
            body["phone"] = phone.as_str().into();
            assert_eq!(sign_up(body.clone()).await.status, 201);

            let other = sign_up_body(&email.to_uppercase());
            assert_eq!(sign_up(other).await.told(), (409, "EMAIL_TAKEN"));

            let free = fresh_email();
            body["email"] = free.as_str().into();
            assert_eq!(sign_up(body).await.told(), (409, "PHONE_TAKEN"));
            assert_eq!(stored(&free).await, None, "nothing of a refused account is kept");
            assert_eq!(sign_up(sign_up_body(&free)).await.status, 201, "nor its address");
        });
    }

    /// How many accounts eight people make who sign up at once with one address.
    async fn race(store: Store, email: &str) -> usize {
        let mut signing_up = JoinSet::new();
        for _ in 0..8 {
            let call = request(Anyone, read(sign_up_body(email)), Time::now());
            signing_up.spawn(handle(store.clone(), call));
        }
        let mut made = 0;
        while let Some(answer) = signing_up.join_next().await {
            match answer.unwrap() {
                Ok(_) => made += 1,
                Err(refusal) => assert_eq!(refusal.code(), "EMAIL_TAKEN"),
            }
        }
        made
    }

    #[test]
    fn many_at_once_for_one_address_make_one_account() {
        stack::run(async {
            let email = fresh_email();
            assert_eq!(race(store(), &email).await, 1);
            assert!(stored(&email).await.is_some());
        });
    }

    #[test]
    fn without_the_guards_condition_they_make_more() {
        stack::run(async {
            let unguarded = Store::new(stack::without("pk"), stack::prefix());
            assert!(race(unguarded, &fresh_email()).await > 1);
        });
    }

    #[test]
    fn an_address_asks_for_so_many_accounts_and_then_waits() {
        stack::run(async {
            let store = store();
            let body = || read(sign_up_body(&fresh_email()));
            let call = request(Anyone, body(), Time::now());
            let context = call.context.clone();
            for _ in 0..limits::SIGN_UP.limit {
                let subject = limits::address(&context.address);
                store.count(limits::SIGN_UP, &subject, context.now).await.unwrap();
            }
            let refused = handle(store.clone(), call).await;
            assert_eq!(refused.as_ref().unwrap_err().code(), "TOO_MANY_REQUESTS");
            let seen = Seen::of(refused);
            let wait: u64 = seen.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!(seen.status == 429 && (1..=600).contains(&wait), "{wait}");

            let later = context.now.plus(limits::SIGN_UP.window);
            let call = Call {
                context: api::Context { now: later, ..context },
                ..request(Anyone, body(), later)
            };
            assert!(handle(store, call).await.is_ok());
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            for (operation, phone) in
                [("sign_up", None), ("sign_up_with_phone", Some(fresh_phone()))]
            {
                let mut body = sign_up_body(&fresh_email());
                body["phone"] = phone.into();
                let call = request(Anyone, read(body), Time::now());
                handle(store.clone(), call).await.unwrap();
                stack::assert_operation(operation, &meter.take());
            }
        });
    }
}
