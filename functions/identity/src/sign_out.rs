//! `POST /v1/auth/sign-out`: ends the session at once.

use api::{Answer, Call, Problem};
use domain::{time::Time, who::NotAllowed};
use http::header;
use store::{Store, identity::session::SignedIn};

use crate::credentials::refresh_token::{COOKIE, RefreshToken, TokenState, expired_cookie};

/// Signs out
///
/// The session's access tokens and its refresh token are refused from now on. Signing out twice is no fault. Whoever comes
/// too late for the access token is signed out by the cookie, which ends its session, too, and is taken back whatever it was worth.
#[utoipa::path(post, path = "/v1/auth/sign-out", security(("bearer" = []), ()),
    params(("refresh" = Option<String>, Cookie, description = "The refresh token")),
    responses((status = 204, description = "Signed out", headers(("Set-Cookie" = String)))),
)]
pub async fn handle(store: Store, call: Call<Option<SignedIn>>) -> Result<Answer<()>, Problem> {
    let Call { who, context, .. } = call;
    let cookies = context.cookies(COOKIE);
    if who.is_none() && cookies.is_empty() {
        return Err(NotAllowed::SignInRequired.into());
    }
    if let Some(caller) = &who {
        store.sign_out(caller, context.now).await?;
    }
    // Mostly it is of the session that has ended just now.
    let is_another = |token: &RefreshToken| !who.as_ref().is_some_and(|it| it.is_of(token.key()));
    if let Some(token) = RefreshToken::among(&cookies).filter(is_another) {
        end(&store, &token, context.now).await?;
    }
    Ok(Answer::nothing().with(header::SET_COOKIE, &expired_cookie()))
}

/// Ends the session of a token that is, or once was, one of its own.
async fn end(store: &Store, token: &RefreshToken, now: Time) -> Result<(), Problem> {
    let session = store.get(&token.key()).await?;
    if session.is_some_and(|session| token.state(&session, now) != TokenState::Unknown) {
        store.end_session(token.key(), now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use api::Context;
    use domain::id::{MemberId, SessionId};
    use http::StatusCode;
    use store::identity::session::SessionKey;

    use super::*;
    use crate::{
        get_me, refresh,
        testing::{Seen, clients, request_of, request_with, signed_in, store},
    };

    /// Signs out with an access token of the session.
    async fn sign_out(key: SessionKey) -> Seen {
        let Call { who, input, context } = request_of(key, Time::now());
        Seen::of(handle(store(), Call { who: Some(who), input, context }).await)
    }

    /// Signs out with nothing but the cookie: the access token is dead, or lost.
    async fn by_cookie(token: &RefreshToken) -> Seen {
        let Call { input, context, .. } = request_with(token, Time::now());
        Seen::of(handle(store(), Call { who: None, input, context }).await)
    }

    async fn is_alive(token: &RefreshToken) -> bool {
        let refreshed = refresh::handle(clients(store()).await, request_with(token, Time::now()));
        refreshed.await.is_ok()
    }

    #[test]
    fn who_comes_too_late_for_the_access_token_is_signed_out_by_the_cookie() {
        stack::run(async {
            let token = signed_in().await;
            let seen = by_cookie(&token).await;
            assert_eq!(
                (seen.status, seen.headers[header::SET_COOKIE].to_str().unwrap()),
                (StatusCode::NO_CONTENT, &*expired_cookie())
            );
            assert!(!is_alive(&token).await);
            assert_eq!(by_cookie(&token).await.status, 204, "twice is no fault");
        });
    }

    #[test]
    fn a_cookie_that_was_never_one_of_the_session_s_ends_nothing_and_is_taken_back() {
        stack::run(async {
            let token = signed_in().await;
            let forged = RefreshToken::first(token.key()).unwrap();
            let seen = by_cookie(&forged).await;
            assert_eq!(
                (seen.status, seen.headers[header::SET_COOKIE].to_str().unwrap()),
                (StatusCode::NO_CONTENT, &*expired_cookie())
            );
            assert!(is_alive(&token).await);
        });
    }

    #[test]
    fn who_was_two_people_in_one_browser_is_signed_out_as_both() {
        stack::run(async {
            let (one, other) = (signed_in().await, signed_in().await);
            let Call { who, input, .. } = request_of(one.key(), Time::now());
            let context = request_with(&other, Time::now()).context;
            let call = Call { who: Some(who), input, context };
            assert_eq!(Seen::of(handle(store(), call).await).status, 204);
            assert!(!is_alive(&one).await && !is_alive(&other).await);
        });
    }

    #[test]
    fn a_live_cookie_is_found_behind_a_dead_one() {
        stack::run(async {
            let token = signed_in().await;
            let mut call = request_with(&token, Time::now());
            let cookies = &mut call.context.headers;
            let live = cookies.insert(header::COOKIE, "refresh=dead; x=1".parse().unwrap());
            cookies.append(header::COOKIE, live.unwrap());
            let Call { input, context, .. } = call;
            let seen = Seen::of(handle(store(), Call { who: None, input, context }).await);
            assert_eq!(seen.headers[header::SET_COOKIE], expired_cookie());
            assert!(!is_alive(&token).await);
        });
    }

    #[test]
    fn a_cookie_that_is_no_token_is_taken_back() {
        stack::run(async {
            for dead in ["refresh=", "refresh=x", "refresh=mem_1.ses_1.x", "refresh=\"\""] {
                let mut context = Context::at(Time::now());
                context.headers.insert(header::COOKIE, dead.parse().unwrap());
                let seen = Seen::of(handle(store(), Call { who: None, input: (), context }).await);
                assert_eq!(seen.status, 204, "{dead}");
                assert_eq!(seen.headers[header::SET_COOKIE], expired_cookie(), "{dead}");
            }
        });
    }

    #[test]
    fn who_has_neither_token_nor_cookie_was_not_signed_in() {
        stack::run(async {
            let call = Call { who: None, input: (), context: Context::at(Time::now()) };
            assert_eq!(Seen::of(handle(store(), call).await).told(), (401, "SIGN_IN_REQUIRED"));
        });
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
            let Call { who, input, context } = request_of(key, Time::now());
            handle(store, Call { who: Some(who), input, context }).await.unwrap();
            stack::assert_operation("sign_out", &meter.take());
        });
    }
}
