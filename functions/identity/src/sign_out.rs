//! `POST /v1/auth/sign-out`: ends the session at once.

use api::{Answer, Call, Problem};
use http::header;
use store::{Store, identity::session::SignedIn};

use crate::credentials::refresh_token;

/// Signs out
///
/// The session's access tokens and its refresh token are refused from now on. Signing out twice is no fault.
#[utoipa::path(post, path = "/v1/auth/sign-out", security(("bearer" = [])), responses(
    (status = 204, description = "Signed out", headers(("Set-Cookie" = String))),
))]
pub async fn handle(store: Store, call: Call<SignedIn>) -> Result<Answer<()>, Problem> {
    store.sign_out(&call.who, call.context.now).await?;
    Ok(Answer::nothing().with(header::SET_COOKIE, &refresh_token::expired_cookie()))
}

#[cfg(test)]
mod tests {
    use domain::{
        id::{MemberId, SessionId},
        time::Time,
    };
    use store::identity::session::SessionKey;

    use super::*;
    use crate::{
        get_me, refresh,
        testing::{Seen, clients, request_of, request_with, signed_in, store},
    };

    async fn sign_out(key: SessionKey) -> Seen {
        Seen::of(handle(store(), request_of(key, Time::now())).await)
    }

    #[test]
    fn after_signing_out_every_token_of_the_session_is_refused_at_once() {
        stack::run(async {
            let token = signed_in().await;
            let me = async || {
                Seen::of(get_me::handle(store(), request_of(token.key(), Time::now())).await)
            };
            assert_eq!(me().await.status, 200);

            let seen = sign_out(token.key()).await;
            assert_eq!(seen.status, 204);
            assert_eq!(
                seen.headers[header::SET_COOKIE],
                "refresh=; HttpOnly; Secure; SameSite=Strict; Path=/v1/auth; Max-Age=0"
            );
            assert_eq!(me().await.told(), (401, "SESSION_ENDED"));
            let refreshed =
                refresh::handle(clients(store()).await, request_with(&token, Time::now()));
            assert_eq!(Seen::of(refreshed.await).told(), (401, "REFRESH_TOKEN_INVALID"));
        });
    }

    #[test]
    fn signing_out_twice_is_no_fault_and_the_first_time_counts() {
        stack::run(async {
            let key = signed_in().await.key();
            sign_out(key).await;
            let first = store().get(&key).await.unwrap();
            assert_eq!(sign_out(key).await.status, 204);
            assert_eq!(store().get(&key).await.unwrap(), first);
        });
    }

    #[test]
    fn a_session_that_is_gone_is_not_made_again() {
        stack::run(async {
            let (member_id, session_id) = (MemberId::generate(), SessionId::generate());
            let key = SessionKey { member_id, session_id };
            assert_eq!(sign_out(key).await.status, 204);
            assert_eq!(store().get(&key).await.unwrap(), None);
        });
    }

    #[test]
    fn other_sessions_of_the_member_live_on() {
        stack::run(async {
            let token = signed_in().await;
            let other = SessionKey { session_id: SessionId::generate(), ..token.key() };
            sign_out(other).await;
            assert!(get_me::handle(store(), request_of(token.key(), Time::now())).await.is_ok());
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let key = signed_in().await.key();
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            handle(store, request_of(key, Time::now())).await.unwrap();
            stack::assert_operation("sign_out", &meter.take());
        });
    }
}
