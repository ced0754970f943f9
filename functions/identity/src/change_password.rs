//! `PUT /v1/me/password`: another password in place of the one that is known.

use api::{Answer, Body, Call, FieldFaults, Problem};
use deserr::Deserr;
use domain::member::{GivenPassword, Password};
use store::{
    Transaction,
    identity::session::SignedIn,
    inbox::mail::{About, Mail},
};
use utoipa::ToSchema;

use crate::{
    by_mail::{Clients, do_and_tell},
    codes,
    credentials::password,
    limits,
};

/// The password that is to be, and the one that is.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangePassword {
    current_password: GivenPassword,
    password: Password,
}

/// Changes one's own password
///
/// All other sessions end at once, and a mail says so. An account that is only signed in to through Kakao or Naver has none:
/// `SOCIAL_ACCOUNT`.
#[utoipa::path(put, path = "/v1/me/password", request_body = ChangePassword,
    responses((status = 204, description = "It is the password from now on")),
    security(("bearer" = [])),
)]
pub async fn handle(
    clients: Clients,
    call: Call<SignedIn, Body<ChangePassword>>,
) -> Result<Answer<()>, Problem> {
    let Call { who, input: Body(body), context } = call;
    let (store, now) = (&clients.0, context.now);
    let session = store.session(&who, now).await?;
    let member = session.member;
    let Some(hash) = &member.password_hash else {
        return Err(Problem::new(codes::SOCIAL_ACCOUNT));
    };
    password::require_not_own(&body.password, member.email.as_ref(), &member.nickname)?;
    store.count(limits::PASSWORD_OF, &member.id.to_string(), now).await?;
    if !password::matches(&body.current_password, Some(hash))? {
        return Err(Problem::new(codes::WRONG_PASSWORD));
    }
    let hash = password::hash(&body.password)?;
    let write = member.new_password(&hash, Some(session.id), now);
    let mail = Mail::new(member.id, About::PasswordChanged, context.language, now);
    do_and_tell(&clients, Transaction::new().require(write, OtherPassword), &mail).await?;
    Ok(Answer::nothing())
}

/// The password was changed by another request, so that it is no longer the one that was shown.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the password was changed meanwhile")]
struct OtherPassword;

impl domain::fault::Fault for OtherPassword {
    fn code(&self) -> domain::fault::Code {
        codes::WRONG_PASSWORD
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use serde_json::json;
    use store::{
        Store,
        identity::{member::Member, session::SessionKey},
    };

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, fresh_email, is_alive, queue, read, request_of, sign_in, sign_up,
        sign_up_body, store, stored,
    };

    const NEW: &str = "무대 뒤의 새 비밀번호";

    async fn change(store: Store, key: SessionKey, current: &str, new: &str) -> Seen {
        let Call { who, context, .. } = request_of(key, Time::now());
        let input = read(json!({ "currentPassword": current, "password": new }));
        Seen::of(handle((store, queue().await), Call { who, input, context }).await)
    }

    #[test]
    fn who_knows_the_password_changes_it_and_every_other_session_ends() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let [here, elsewhere] = [
                sign_in(&email, PASSWORD).await.refresh_token().key(),
                sign_in(&email, PASSWORD).await.refresh_token().key(),
            ];
            let wrong = change(store(), here, "보랏빛 무대 뒤의 강아지", NEW).await;
            assert_eq!(wrong.told(), (403, "WRONG_PASSWORD"));
            assert!(is_alive(elsewhere).await);
            assert_eq!(change(store(), here, PASSWORD, NEW).await.told(), (204, ""));
            assert!(is_alive(here).await && !is_alive(elsewhere).await);
            assert_eq!(sign_in(&email, PASSWORD).await.status, 401);
            assert_eq!(sign_in(&email, NEW).await.status, 200);
        });
    }

    #[test]
    fn whoever_found_a_device_open_has_ten_guesses() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let key = sign_in(&email, PASSWORD).await.refresh_token().key();
            for _ in 0..limits::PASSWORD_OF.limit {
                assert_eq!(change(store(), key, "틀린 비밀번호", NEW).await.status, 403);
            }
            let refused = change(store(), key, PASSWORD, NEW).await;
            assert_eq!(refused.told(), (429, "TOO_MANY_REQUESTS"));
        });
    }

    #[test]
    fn who_only_comes_through_a_provider_has_none_to_change() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let key = sign_in(&email, PASSWORD).await.refresh_token().key();
            let before = stored(&email).await.unwrap();
            let after = Member { password_hash: None, version: 2, ..before.clone() };
            store().change_member(&before, &after).await.unwrap();
            assert_eq!(change(store(), key, PASSWORD, NEW).await.told(), (403, "SOCIAL_ACCOUNT"));
        });
    }

    #[test]
    fn two_at_once_from_one_password_make_one_new_one() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let member = stored(&email).await.unwrap();
            let hash = password::hash(&NEW.parse().unwrap()).unwrap();
            let write = || member.new_password(&hash, None, Time::now());
            store().write(write(), OtherPassword).await.unwrap();
            let second = store().write(write(), OtherPassword).await.unwrap_err();
            assert_eq!(Problem::from(second).code(), "WRONG_PASSWORD");
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let key = sign_in(&email, PASSWORD).await.refresh_token().key();
            let (client, meter) = stack::metered();
            change(Store::new(client, stack::prefix()), key, PASSWORD, NEW).await;
            stack::assert_operation("change_password", &meter.take());
        });
    }
}
