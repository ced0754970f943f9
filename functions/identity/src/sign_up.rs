//! `POST /v1/auth/sign-up`: a new account.

use api::{Answer, Anyone, Body, Call, FieldFaults, Problem};
use deserr::Deserr;
use domain::member::{
    BirthDate, CodePurpose, Declared, Email, Location, Nickname, Password, Phone, SignUpRole,
};
use store::ephemeral::code::{Account, CodeItem};
use utoipa::ToSchema;

use crate::{
    by_mail::{Clients, CodeAsked, ask},
    credentials::password,
    limits,
};

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

/// Signs up
///
/// Nobody signs up as an admin. A code is mailed to the address, and the account is made when it is shown
/// (`POST /v1/auth/email-codes/verify`); whoever lost it signs up once more. The answer is the same for an address that has an
/// account already: the mail says so, to its owner alone.
#[utoipa::path(post, path = "/v1/auth/sign-up", request_body = SignUp, responses(
    (status = 202, description = "A mail is on its way", body = CodeAsked),
))]
pub async fn handle(
    clients: Clients,
    call: Call<Anyone, Body<SignUp>>,
) -> Result<Answer<CodeAsked>, Problem> {
    let Call { input: Body(body), context, .. } = call;
    password::require_not_own(&body.password, Some(&body.email), &body.nickname)?;
    let network = limits::address(&context.address);
    clients.0.count(limits::SIGN_UP, &network, context.now).await?;
    limits::count_code(&clients.0, &body.email, &network, context.now).await?;
    let account = Account {
        nickname: body.nickname,
        role: body.role.into(),
        password_hash: password::hash(&body.password)?,
        birth_date: body.birth_date,
        declared_of_age_at: body.fourteen_or_older.map(|Declared| context.now),
        phone: body.phone,
        location: body.location,
    };
    let (email, language) = (body.email, context.language);
    let item = CodeItem::asked(CodePurpose::SignUp, email, language, Some(account), context.now);
    Ok(Answer::accepted(ask(&clients, &item).await?))
}

#[cfg(test)]
mod tests {
    use domain::{id::CodeId, language::Language, time::Time};
    use serde_json::json;
    use store::{Store, ephemeral::code::CodeKey};

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, ask_to_sign_up, fresh_email, fresh_phone, mailing, queue, read, request,
        sign_up_body, store, stored,
    };

    #[test]
    fn an_account_is_kept_for_the_code_and_is_nobodys_yet() {
        stack::run(async {
            let (email, phone) = (fresh_email(), fresh_phone());
            let mut body = sign_up_body(&email);
            body["role"] = "ARTIST".into();
            body["phone"] = phone.as_str().into();
            body["birthDate"] = "1995-03-14".into();
            let seen = ask_to_sign_up(body).await;
            assert_eq!(seen.told(), (202, ""));
            let id: CodeId = seen.body["codeId"].as_str().unwrap().parse().unwrap();
            assert_eq!(seen.body, json!({ "codeId": id }));
            assert!(stored(&email).await.is_none());

            let kept = store().get(&CodeKey(id)).await.unwrap().unwrap();
            assert_eq!((kept.purpose, kept.language), (CodePurpose::SignUp, Language::English));
            assert_eq!((kept.email.as_str(), kept.hash.as_deref()), (&*email, None));
            let account = kept.account.as_ref().unwrap();
            assert!(account.password_hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
            assert_eq!(account.phone.as_ref().unwrap().as_str(), phone);
            assert!(!serde_json::to_string(&kept).unwrap().contains(PASSWORD));
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
            let refused = handle(mailing(store.clone()).await, call).await;
            assert_eq!(refused.as_ref().unwrap_err().code(), "TOO_MANY_REQUESTS");
            let seen = Seen::of(refused);
            let wait: u64 = seen.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!(seen.status == 429 && (1..=600).contains(&wait), "{wait}");

            let later = context.now.plus(limits::SIGN_UP.window);
            let call = Call {
                context: api::Context { now: later, ..context },
                ..request(Anyone, body(), later)
            };
            assert!(handle(mailing(store).await, call).await.is_ok());
        });
    }

    #[test]
    fn nobodys_mailbox_is_filled_and_no_stranger_keeps_the_owner_from_a_code() {
        stack::run(async {
            let email = fresh_email();
            let address = fresh_email();
            let from_here = async || {
                let call = request(Anyone, read(sign_up_body(&email)), Time::now());
                let context = api::Context { address: address.clone(), ..call.context };
                let call = Call { who: Anyone, input: call.input, context };
                Seen::of(handle(mailing(store()).await, call).await).status
            };
            for _ in 0..limits::CODE_TO.limit {
                assert_eq!(from_here().await, 202);
            }
            assert_eq!(from_here().await, 429);
            assert_eq!(ask_to_sign_up(sign_up_body(&email)).await.status, 202, "from elsewhere");

            let (account, now) = (limits::account(&email.parse().unwrap()), Time::now());
            for _ in limits::CODE_TO.limit + 1..limits::CODE_TO_FROM_ANYWHERE.limit {
                store().count(limits::CODE_TO_FROM_ANYWHERE, &account, now).await.unwrap();
            }
            assert_eq!(ask_to_sign_up(sign_up_body(&email)).await.status, 429, "from anywhere");
            let call = request(Anyone, read(sign_up_body(&email)), now);
            let network = limits::address(&call.context.address);
            store().remember(&account, &network, now).await.unwrap();
            assert!(handle(mailing(store()).await, call).await.is_ok(), "the owner, from home");
            let tagged = email.replace('@', "+more@");
            assert_eq!(ask_to_sign_up(sign_up_body(&tagged)).await.status, 429, "one mailbox");
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let clients = (Store::new(client, stack::prefix()), queue().await);
            let call = request(Anyone, read(sign_up_body(&fresh_email())), Time::now());
            handle(clients, call).await.unwrap();
            stack::assert_operation("sign_up", &meter.take());
        });
    }
}
