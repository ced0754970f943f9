//! `POST /v1/auth/refresh`: a new access token for a refresh token, which is good once.
//!
//! An old token ends its session at once, without a time of grace: whoever shows it stole it, or was stolen from. Only
//! two requests that overlap, as from two tabs of one browser, are told apart: one wins, and the other is told to come
//! again with the cookie that the browser has by then.

use std::time::Duration;

use api::{Answer, Call, Endpoint, Problem};
use domain::fault::{Fault, Kind};
use http::header;
use store::{Ttl, identity::member::MemberKey};

use crate::{
    access::{Access, Clients},
    credentials::refresh_token::{COOKIE, LIFE, LONGEST_SESSION, RefreshToken, Standing},
};

/// Renews the access token
///
/// Takes the refresh token from the cookie and answers another in its place. A token that was used before ends its
/// session: `REFRESH_TOKEN_INVALID`. Of two requests at the same moment one is refused with `REFRESH_IN_PROGRESS` and
/// comes again with the new cookie.
#[utoipa::path(post, path = "/v1/auth/refresh",
    params(("refresh" = Option<String>, Cookie, description = "The refresh token")),
    responses(
        (status = 200, description = "Signed in", body = Access, headers(("Set-Cookie" = String))),
    ),
)]
pub async fn handle(clients: Clients, call: Call) -> Result<Answer<Access>, Problem> {
    let (store, now) = (&clients.store, call.context.now);
    let invalid = || Problem::new(Kind::Unauthenticated, "REFRESH_TOKEN_INVALID");
    let token = call.context.cookie(COOKIE).and_then(RefreshToken::read).ok_or_else(invalid)?;
    let key = token.key();
    let (session, member) = store.read(&(key, MemberKey(key.member_id))).await?;
    let (session, member) = session.zip(member).ok_or_else(invalid)?;
    if !session.is_alive(&member, now) {
        return Err(invalid());
    }
    match token.standing(&session) {
        Standing::Good => {}
        Standing::Used => {
            tracing::warn!(session_id = %session.id, "a refresh token came a second time; its session ends");
            store.end_session(key, now).await?;
            return Err(invalid());
        }
        Standing::Invented => return Err(invalid()),
    }

    let next = token.next()?;
    let end = now.plus(LIFE).min(session.created_at.plus(LONGEST_SESSION));
    let access = clients.access(member, session.id, now).await?;
    let rotation = session.rotation(&key, &next.own_hash(), Ttl::at(end));
    store.write(rotation, InProgress).await?;
    Ok(Answer::ok(access).with(header::SET_COOKIE, &next.cookie(now.until(end))))
}

/// Another request with the same token was quicker by a moment.
#[derive(Debug, thiserror::Error)]
#[error("the refresh token was used by another request at the same moment")]
struct InProgress;

impl Fault for InProgress {
    fn kind(&self) -> Kind {
        Kind::Conflict
    }

    fn code(&self) -> &'static str {
        "REFRESH_IN_PROGRESS"
    }

    fn retry_after(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::new(handle)
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use store::Store;
    use tokio::task::JoinSet;

    use super::*;
    use crate::testing::{Seen, clients, request, request_of, request_with, signed_in, store};

    async fn refresh(token: &RefreshToken, now: Time) -> Seen {
        Seen::of(handle(clients(store()).await, request_with(token, now)).await)
    }

    async fn is_alive(token: &RefreshToken) -> bool {
        crate::get_me::handle(store(), request_of(token.key(), Time::now())).await.is_ok()
    }

    #[test]
    fn a_refresh_answers_a_new_access_token_and_another_cookie_each_time() {
        stack::run(async {
            let mut token = signed_in().await;
            for _ in 0..3 {
                let seen = refresh(&token, Time::now()).await;
                assert_eq!(seen.status, 200);
                assert_eq!(seen.body["member"]["id"], token.key().member_id.to_string());
                let next = seen.refresh_token();
                assert!(next != token && next.key() == token.key());
                token = next;
            }
        });
    }

    #[test]
    fn an_old_token_is_refused_and_ends_the_session_for_all() {
        stack::run(async {
            let first = signed_in().await;
            let second = refresh(&first, Time::now()).await.refresh_token();
            let third = refresh(&second, Time::now()).await.refresh_token();
            assert!(is_alive(&third).await);
            assert_eq!(refresh(&first, Time::now()).await.told(), (401, "REFRESH_TOKEN_INVALID"));
            assert_eq!(refresh(&third, Time::now()).await.told(), (401, "REFRESH_TOKEN_INVALID"));
            assert!(!is_alive(&third).await, "its access tokens are refused, too");
        });
    }

    #[test]
    fn an_invented_token_ends_nobodys_session() {
        stack::run(async {
            let token = signed_in().await;
            let invented = RefreshToken::first(token.key()).unwrap();
            assert_eq!(
                refresh(&invented, Time::now()).await.told(),
                (401, "REFRESH_TOKEN_INVALID")
            );
            assert_eq!(refresh(&token, Time::now()).await.status, 200);
        });
    }

    #[test]
    fn without_a_cookie_or_with_a_broken_one_there_is_no_refresh() {
        stack::run(async {
            for cookie in ["", "other=1", "refresh=", "refresh=a.b.c"] {
                let mut call = request(api::Anyone, (), Time::now());
                call.context.headers.insert(header::COOKIE, cookie.parse().unwrap());
                let seen = Seen::of(handle(clients(store()).await, call).await);
                assert_eq!(seen.told(), (401, "REFRESH_TOKEN_INVALID"), "{cookie}");
            }
        });
    }

    #[test]
    fn of_many_at_once_with_one_token_exactly_one_wins() {
        stack::run(async {
            let token = signed_in().await;
            let attempt = |token: RefreshToken| async move { refresh(&token, Time::now()).await };
            let mut refreshing: JoinSet<_> = (0..8).map(|_| attempt(token.clone())).collect();
            let mut winners = 0;
            while let Some(seen) = refreshing.join_next().await {
                match seen.unwrap().told() {
                    (200, _) => winners += 1,
                    (409, "REFRESH_IN_PROGRESS") | (401, "REFRESH_TOKEN_INVALID") => {}
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(winners, 1);
        });
    }

    #[test]
    fn who_loses_by_a_moment_comes_again_and_the_session_lives() {
        stack::run(async {
            let token = signed_in().await;
            // The loser has read the session; the winner is done before the loser writes.
            let read = store().get(&token.key()).await.unwrap().unwrap();
            let winners = refresh(&token, Time::now()).await.refresh_token();
            let rotation = read.rotation(&token.key(), "late", read.expires_at);
            let late = store().write(rotation, InProgress).await.map(api::Answer::ok);
            let seen = Seen::of(late.map_err(Problem::from));
            assert_eq!(seen.told(), (409, "REFRESH_IN_PROGRESS"));
            assert_eq!(seen.headers["retry-after"], "1");
            assert_eq!(refresh(&winners, Time::now()).await.status, 200);
        });
    }

    #[test]
    fn a_session_lives_14_days_after_its_last_refresh_and_90_at_most() {
        stack::run(async {
            let token = signed_in().await;
            let start = store().get(&token.key()).await.unwrap().unwrap().created_at;
            let days = |days: u64| start.plus(Duration::from_hours(24 * days));
            let in_time = refresh(&token, days(13)).await.refresh_token();
            assert_eq!(refresh(&in_time, days(28)).await.told(), (401, "REFRESH_TOKEN_INVALID"));

            let mut token = signed_in().await;
            for day in (13..90).step_by(13) {
                let seen = refresh(&token, days(day)).await;
                token = seen.refresh_token();
                let cookie = seen.headers[header::SET_COOKIE].to_str().unwrap();
                let life: u64 = cookie.rsplit('=').next().unwrap().parse().unwrap();
                assert!(life.abs_diff(24 * 3600 * 14.min(90 - day)) < 60, "day {day}: {life}");
            }
            assert_eq!(refresh(&token, days(91)).await.told(), (401, "REFRESH_TOKEN_INVALID"));
        });
    }

    #[test]
    fn an_ended_session_is_not_refreshed() {
        stack::run(async {
            let token = signed_in().await;
            store().end_session(token.key(), Time::now()).await.unwrap();
            assert_eq!(refresh(&token, Time::now()).await.told(), (401, "REFRESH_TOKEN_INVALID"));
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let token = signed_in().await;
            let (client, meter) = stack::metered();
            let clients = clients(Store::new(client, stack::prefix())).await;
            handle(clients, request_with(&token, Time::now())).await.unwrap();
            stack::assert_operation("refresh", &meter.take());
        });
    }
}
