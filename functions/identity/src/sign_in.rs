//! `POST /v1/auth/sign-in`: a session for whoever knows the password.

use api::{Answer, Anyone, Body, Call, FieldFaults, Problem};
use deserr::Deserr;
use domain::{
    id::MemberId,
    member::{Email, GivenPassword},
};
use gateways::{MailMessage, Queue};
use http::header;
use store::identity::member::{EmailKey, MemberKey};
use utoipa::ToSchema;

use crate::{
    access::{self, Access, Clients},
    codes,
    credentials::{password, refresh_token::LIFE},
    limits,
};

/// Who wants to come in.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SignIn {
    email: Email,
    password: GivenPassword,
}

/// Signs in
///
/// An unknown address and a wrong password get the same answer, `WRONG_EMAIL_OR_PASSWORD`, after the same work. The
/// refresh token comes in the cookie `refresh`.
#[utoipa::path(post, path = "/v1/auth/sign-in", request_body = SignIn, responses(
    (status = 200, description = "Signed in", body = Access, headers(("Set-Cookie" = String))),
))]
pub async fn handle(
    (clients, queue): (Clients, Queue<MailMessage>),
    call: Call<Anyone, Body<SignIn>>,
) -> Result<Answer<Access>, Problem> {
    let Call { input: Body(SignIn { email, password }), context, .. } = call;
    let (store, now) = (&clients.store, context.now);
    let (account, network) = (limits::account(&email), limits::address(&context.address));
    limits::count_sign_in(store, &account, &network, now).await?;

    let guard = store.get(&EmailKey(&email)).await?;
    // A made-up member for an unknown address: time must not tell which addresses are known.
    let member_id = guard.map_or_else(MemberId::generate, |guard| guard.member_id);
    let member = store.get(&MemberKey(member_id)).await?;
    let hash = member.as_ref().and_then(|member| member.password_hash.as_ref());
    let right = password::matches(&password, hash)?;
    let Some(member) = member.filter(|_| right) else {
        return Err(Problem::new(codes::WRONG_EMAIL_OR_PASSWORD));
    };

    let (token, session) = access::session(&member, &context)?;
    // Signed before the session is written: without a key there is no session that nobody can use.
    let access = clients.access(member, session.id, now).await?;
    access::begin(&(store.clone(), queue), &session, &context).await?;
    store.remember(&account, &network, now).await?;
    Ok(Answer::ok(access).with(header::SET_COOKIE, &token.cookie(LIFE)))
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use serde_json::json;
    use store::{Store, ephemeral::rate::Rule};

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, clients, fresh_email, queue, read, request, sign_in, sign_up, sign_up_body,
        store, stored,
    };
    use crate::view::MemberView;

    #[test]
    fn who_knows_the_password_gets_an_access_token_and_a_cookie() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let member = MemberView::from(stored(&email).await.unwrap());
            let before = Time::now();
            let seen = sign_in(&email.to_uppercase(), PASSWORD).await;
            assert_eq!(seen.status, 200);
            assert_eq!(seen.body["tokenType"], "Bearer");
            assert_eq!(seen.body["member"], serde_json::to_value(member).unwrap());
            let expires_at: Time = seen.body["expiresAt"].as_str().unwrap().parse().unwrap();
            let life = before.until(expires_at).as_secs();
            assert!((899..=901).contains(&life), "{life} s");
            let (told, ends) = seen.ends();
            assert_eq!(told, ends);
            let cookie = seen.headers[header::SET_COOKIE].to_str().unwrap();
            assert!(
                cookie.ends_with(
                    "; HttpOnly; Secure; SameSite=Strict; Path=/v1/auth; Max-Age=1209600"
                )
            );
        });
    }

    #[test]
    fn of_a_session_nothing_is_stored_that_opens_it() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let token = sign_in(&email, PASSWORD).await.refresh_token();
            let session = store().get(&token.key()).await.unwrap().unwrap();
            assert_eq!(
                serde_json::to_value(&session).unwrap(),
                json!({
                    "id": token.key().session_id, "memberId": token.key().member_id,
                    "familyHash": token.family_hash(), "refreshHash": token.own_hash(),
                    "device": {}, "createdAt": session.created_at.millis(), "expiresAt": session.expires_at,
                })
            );
        });
    }

    #[test]
    fn a_lost_answer_of_the_database_is_no_session_that_has_ended() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let losing = Store::new(stack::losing("PutItem", 1), stack::prefix());
            let body = read(json!({ "email": email, "password": PASSWORD }));
            let call = request(Anyone, body, Time::now());
            let seen = Seen::of(handle((clients(losing).await, queue().await), call).await);
            assert_eq!(seen.told(), (200, ""));
        });
    }

    /// Somebody at an address of their own.
    fn somewhere() -> String {
        MemberId::generate().to_string()
    }

    /// Signs in from an address.
    async fn from(address: &str, email: &str) -> Seen {
        let body = read(json!({ "email": email, "password": PASSWORD }));
        let mut call = request(Anyone, body, Time::now());
        call.context.address = address.to_owned();
        Seen::of(handle((clients(store()).await, queue().await), call).await)
    }

    async fn use_up(rule: Rule, subject: &str) {
        for _ in 0..rule.limit {
            store().count(rule, subject, Time::now()).await.unwrap();
        }
    }

    #[test]
    fn a_stranger_s_guesses_shut_out_the_stranger_and_not_the_owner() {
        stack::run(async {
            let (email, stranger) = (fresh_email(), somewhere());
            sign_up(sign_up_body(&email)).await;
            let account = limits::account(&email.parse().unwrap());
            use_up(limits::SIGN_IN_TO, &format!("{account}@{}", limits::address(&stranger))).await;

            let seen = from(&stranger, &email).await;
            assert_eq!(seen.told(), (429, "TOO_MANY_REQUESTS"));
            let wait: u64 = seen.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=600).contains(&wait), "{wait}");
            assert_eq!(from(&somewhere(), &email).await.told(), (200, ""), "the owner");
            assert_eq!(
                from(&stranger, &fresh_email()).await.told(),
                (401, "WRONG_EMAIL_OR_PASSWORD")
            );
        });
    }

    #[test]
    fn guesses_from_everywhere_are_limited_and_the_owner_comes_in_from_where_they_were_before() {
        stack::run(async {
            let (email, home) = (fresh_email(), somewhere());
            sign_up(sign_up_body(&email)).await;
            assert_eq!(from(&home, &email).await.status, 200);
            for email in [&email, &fresh_email()] {
                let account = limits::account(&email.parse().unwrap());
                // The owner was one of them.
                let rule = limits::SIGN_IN_TO_FROM_ANYWHERE;
                for _ in 1..rule.limit {
                    store().count(rule, &account, Time::now()).await.unwrap();
                }
                let _ = store().count(rule, &account, Time::now()).await;
                assert_eq!(from(&somewhere(), email).await.told(), (429, "TOO_MANY_REQUESTS"));
            }
            assert_eq!(from(&home, &email).await.told(), (200, ""));
        });
    }

    #[test]
    fn an_address_tries_so_many_accounts_and_then_waits() {
        stack::run(async {
            let now = Time::now();
            let body = || read(json!({ "email": fresh_email(), "password": PASSWORD }));
            let call = request(Anyone, body(), now);
            let subject = limits::address(&call.context.address);
            use_up(limits::SIGN_IN_FROM, &subject).await;
            let clients = (clients(store()).await, queue().await);
            assert_eq!(
                Seen::of(handle(clients.clone(), call).await).told(),
                (429, "TOO_MANY_REQUESTS")
            );
            let elsewhere = Seen::of(handle(clients, request(Anyone, body(), now)).await);
            assert_eq!(elsewhere.told(), (401, "WRONG_EMAIL_OR_PASSWORD"));
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let (client, meter) = stack::metered();
            let clients = (clients(Store::new(client, stack::prefix())).await, queue().await);
            let body = read(json!({ "email": email, "password": PASSWORD }));
            handle(clients.clone(), request(Anyone, body, Time::now())).await.unwrap();
            stack::assert_operation("sign_in", &meter.take());
            let body = read(json!({ "email": email, "password": PASSWORD }));
            let mut call = request(Anyone, body, Time::now());
            call.context.headers.insert(header::USER_AGENT, "Firefox/140.0".parse().unwrap());
            handle(clients.clone(), call).await.unwrap();
            stack::assert_operation("sign_in with a new device", &meter.take());

            let (account, network) =
                (limits::account(&email.parse().unwrap()), limits::address("here"));
            let rule = limits::SIGN_IN_TO_FROM_ANYWHERE;
            while self::store().count(rule, &account, Time::now()).await.is_ok() {}
            self::store().remember(&account, &network, Time::now()).await.unwrap();
            let mut call =
                request(Anyone, read(json!({ "email": email, "password": PASSWORD })), Time::now());
            call.context.address = "here".into();
            handle(clients, call).await.unwrap();
            stack::assert_operation("sign_in while strangers try", &meter.take());
        });
    }
}
