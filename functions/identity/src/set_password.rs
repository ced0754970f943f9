//! `PUT /v1/auth/password`: a new password for whoever forgot the old one.

use api::{Answer, Anyone, Body, Call, FieldFaults, Problem};
use deserr::Deserr;
use domain::{
    id::CodeId,
    member::{CodePurpose, MailedCode, Password},
};
use store::{
    ephemeral::code::NotGood,
    identity::member::EmailKey,
    inbox::mail::{About, Mail},
};
use utoipa::ToSchema;

use crate::{
    by_mail::{Clients, do_and_tell, shown, using},
    credentials::password,
};

/// A new password, and the code that allows it.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SetPassword {
    code_id: CodeId,
    code: MailedCode,
    password: Password,
}

/// Sets a new password with a code
///
/// For whoever forgot the old one: with a code that was mailed for `NEW_PASSWORD`. All sessions end, and a mail says so.
#[utoipa::path(put, path = "/v1/auth/password", request_body = SetPassword, responses(
    (status = 204, description = "It is the password from now on"),
))]
pub async fn handle(
    clients: Clients,
    call: Call<Anyone, Body<SetPassword>>,
) -> Result<Answer<()>, Problem> {
    let Call { input: Body(SetPassword { code_id, code, password }), context, .. } = call;
    let (store, now) = (&clients.0, context.now);
    let purpose = Some(CodePurpose::NewPassword);
    let item = shown(store, (code_id, &code), purpose, &context).await?;
    let member = store.owner(&EmailKey(&item.email)).await?;
    // Who only comes through a provider was mailed none.
    let member = member.filter(|member| member.password_hash.is_some()).ok_or(NotGood)?;
    password::require_not_own(&password, member.email.as_ref(), &member.nickname)?;
    let hash = password::hash(&password)?;
    let changing = using(&item).require(member.new_password(&hash, None, now), NotGood.into());
    let mail = Mail::new(member.id, About::PasswordChanged, context.language, now);
    do_and_tell(&clients, changing, &mail).await?;
    Ok(Answer::nothing())
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use serde_json::Value;
    use store::Store;

    use super::*;
    use crate::access;
    use crate::testing::{
        PASSWORD, Seen, code_for, fresh_email, is_alive, queue, read, request, sign_in, sign_up,
        sign_up_body, store, stored, verify,
    };

    const NEW: &str = "무대 뒤의 새 비밀번호";

    fn with_password(mut code: Value, password: &str) -> Value {
        code["password"] = password.into();
        code
    }

    async fn set(store: Store, body: Value) -> Seen {
        let call = request(Anyone, read(body), Time::now());
        Seen::of(handle((store, queue().await), call).await)
    }

    #[test]
    fn a_verified_code_sets_the_password_once_and_ends_every_session() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let session = sign_in(&email, PASSWORD).await.refresh_token().key();
            let code = code_for(&email, "NEW_PASSWORD").await;
            assert_eq!(verify(code.clone()).await.status, 200);
            assert_eq!(set(store(), with_password(code.clone(), NEW)).await.told(), (204, ""));
            assert!(!is_alive(session).await);
            assert_eq!(sign_in(&email, PASSWORD).await.status, 401);
            assert_eq!(sign_in(&email, NEW).await.status, 200);
            let again = set(store(), with_password(code, PASSWORD)).await;
            assert_eq!(again.told(), (400, "CODE_NOT_GOOD"));
        });
    }

    #[test]
    fn who_knew_the_old_password_a_moment_ago_is_not_signed_in_after_the_new_one() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            // As a sign-in that has read the account, and is slow.
            let read = stored(&email).await.unwrap();
            let code = code_for(&email, "NEW_PASSWORD").await;
            assert_eq!(set(store(), with_password(code, NEW)).await.status, 204);
            let later = api::Context::at(Time::now().plus(std::time::Duration::from_secs(5)));
            let (token, session) = access::session(&read, &later).unwrap();
            store().put(&token.key(), &session).await.unwrap();
            assert!(!is_alive(token.key()).await);
        });
    }

    #[test]
    fn no_other_code_sets_a_password_and_no_bad_password_costs_the_code() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            for purpose in ["VERIFY_EMAIL", "LINK_IDENTITY"] {
                let code = code_for(&email, purpose).await;
                let refused = set(store(), with_password(code, NEW)).await;
                assert_eq!(refused.told(), (400, "CODE_NOT_GOOD"), "{purpose}");
            }
            let nobodys = code_for(&fresh_email(), "NEW_PASSWORD").await;
            assert_eq!(
                set(store(), with_password(nobodys, NEW)).await.told(),
                (400, "CODE_NOT_GOOD")
            );
            let code = code_for(&email, "NEW_PASSWORD").await;
            let named = set(store(), with_password(code.clone(), &email)).await;
            assert_eq!(named.body["errors"][0]["code"], "OWN_NAME", "{}", named.body);
            assert_eq!(set(store(), with_password(code, NEW)).await.status, 204);
        });
    }

    #[test]
    fn who_only_comes_through_a_provider_gets_no_password_by_mail() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let before = stored(&email).await.unwrap();
            let after = store::identity::member::Member {
                password_hash: None,
                version: 2,
                ..before.clone()
            };
            store().change_member(&before, &after).await.unwrap();
            let code = code_for(&email, "NEW_PASSWORD").await;
            assert_eq!(set(store(), with_password(code, NEW)).await.told(), (400, "CODE_NOT_GOOD"));
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let code = code_for(&email, "NEW_PASSWORD").await;
            let (client, meter) = stack::metered();
            set(Store::new(client, stack::prefix()), with_password(code, NEW)).await;
            stack::assert_operation("set_password", &meter.take());
        });
    }
}
