//! `POST /v1/auth/refresh`: a new access token for a refresh token, which is good once.
//!
//! For a minute more it gets the successor that it got before: the answer may have been lost, or another tab was quicker.
//! After that an old token ends its session at once: whoever shows it stole it, or was stolen from.

use api::{Answer, Call, Problem};
use domain::time::Time;
use http::header;
use store::{
    Rejected, Store, Ttl,
    identity::{
        member::{Member, MemberKey},
        session::{SessionItem, SessionKey},
    },
};

use crate::{
    access::{Access, Clients},
    codes,
    credentials::refresh_token::{
        COOKIE, LIFE, LONGEST_SESSION, RefreshToken, TokenState, expired_cookie,
    },
};

/// Renews the access token
///
/// Takes the refresh token from the cookie and answers its successor in its place. The same token again within a minute gets
/// the same successor, so a lost answer is asked for again, and two tabs stay signed in. Later, or once the successor was
/// used, an old token ends its session: `REFRESH_TOKEN_INVALID`.
#[utoipa::path(post, path = "/v1/auth/refresh",
    params(("refresh" = Option<String>, Cookie, description = "The refresh token")),
    responses(
        (status = 200, description = "Signed in", body = Access, headers(("Set-Cookie" = String))),
    ),
)]
pub async fn handle(clients: Clients, call: Call) -> Result<Answer<Access>, Problem> {
    let (store, now) = (&clients.store, call.context.now);
    let token = RefreshToken::among(&call.context.cookies(COOKIE)).ok_or_else(invalid)?;
    let (session, member) = store.read(&(token.key(), MemberKey(token.key().member_id))).await?;
    let (session, member) = session.zip(member).ok_or_else(invalid)?;
    if !session.is_alive(&member, now) {
        return Err(invalid());
    }
    // Signed before the token is replaced: without a key nothing is.
    let access = clients.access(member.clone(), session.id, now).await?;
    let (next, end) = successor(store, &token, session, &member, now).await?;
    Ok(Answer::ok(access).with(header::SET_COOKIE, &next.cookie(now.until(end.time()))))
}

/// The token that takes the presented one's place, and when it ends.
async fn successor(
    store: &Store,
    token: &RefreshToken,
    mut session: SessionItem,
    member: &Member,
    now: Time,
) -> Result<(RefreshToken, Ttl), Problem> {
    let key = token.key();
    if token.state(&session, now) == TokenState::Current {
        let (next, rotation) = token.rotate(now)?;
        let end = Ttl::at(now.plus(LIFE).min(session.created_at.plus(LONGEST_SESSION)));
        let write = session.rotate(&key, &next.own_hash(), &rotation, end);
        match store.write_or_find::<SessionKey>(write).await {
            Ok(()) => return Ok((next, end)),
            // Another request with the same token was quicker by a moment, or the session was ended.
            Err(Rejected::Condition(found)) => {
                session = found.filter(|found| found.is_alive(member, now)).ok_or_else(invalid)?;
            }
            Err(Rejected::Store(fault)) => return Err(fault.into()),
        }
    }
    match token.state(&session, now) {
        TokenState::Replaced(next) => Ok((next, session.expires_at)),
        TokenState::Reused => {
            tracing::warn!(session_id = %session.id, "a refresh token was reused; its session ends");
            store.end_session(key, now).await?;
            Err(invalid())
        }
        TokenState::Current | TokenState::Unknown => Err(invalid()),
    }
}

/// A cookie that is good for nothing is taken back.
fn invalid() -> Problem {
    Problem::new(codes::REFRESH_TOKEN_INVALID).with(header::SET_COOKIE, &expired_cookie())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::JoinSet;

    use super::*;
    use crate::credentials::refresh_token::GRACE;
    use crate::testing::{self, Seen, clients, request, request_with, signed_in, store};

    async fn refresh(token: &RefreshToken, now: Time) -> Seen {
        Seen::of(handle(clients(store()).await, request_with(token, now)).await)
    }

    async fn is_alive(token: &RefreshToken) -> bool {
        testing::is_alive(token.key()).await
    }

    async fn member_of(token: &RefreshToken) -> Member {
        store().get(&MemberKey(token.key().member_id)).await.unwrap().unwrap()
    }

    #[test]
    fn a_refresh_answers_a_new_access_token_and_another_cookie_each_time() {
        stack::run(async {
            let mut token = signed_in().await;
            for _ in 0..3 {
                let seen = refresh(&token, Time::now()).await;
                assert_eq!(seen.status, 200);
                assert_eq!(seen.body["member"]["id"], token.key().member_id.to_string());
                let (told, ends) = seen.ends();
                assert_eq!(told, ends);
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
    fn whose_answer_was_lost_comes_again_within_a_minute_and_later_ends_the_session() {
        stack::run(async {
            let now = Time::now();
            for (wait, status) in [(0, 200), (59_999, 200), (60_000, 401)] {
                let token = signed_in().await;
                let lost = refresh(&token, now).await.refresh_token();
                let again = refresh(&token, now.plus(Duration::from_millis(wait))).await;
                assert_eq!(again.status, status, "{wait} ms");
                let alive = status == 200;
                assert_eq!(refresh(&lost, now.plus(GRACE)).await.status == 200, alive, "{wait} ms");
            }
        });
    }

    #[test]
    fn two_tabs_with_one_cookie_some_moments_apart_both_stay_signed_in() {
        stack::run(async {
            let mut token = signed_in().await;
            for gap in (5..=100).step_by(5) {
                let second = async {
                    tokio::time::sleep(Duration::from_millis(gap)).await;
                    refresh(&token, Time::now()).await
                };
                let (first, second) = tokio::join!(refresh(&token, Time::now()), second);
                assert_eq!((first.told(), second.told()), ((200, ""), (200, "")), "{gap} ms");
                let (first, second) = (first.refresh_token(), second.refresh_token());
                token = refresh(&first, Time::now()).await.refresh_token();
                assert_eq!(refresh(&second, Time::now()).await.status, 200, "{gap} ms");
            }
        });
    }

    #[test]
    fn a_token_shown_again_in_time_starts_no_second_chain() {
        stack::run(async {
            let now = Time::now();
            let stolen = signed_in().await;
            let members = refresh(&stolen, now).await.refresh_token();
            let thiefs = refresh(&stolen, now).await.refresh_token();
            let access_ends = now.plus(Duration::from_mins(15));
            assert_eq!(refresh(&thiefs, access_ends).await.status, 200);
            let late = refresh(&members, access_ends.plus(GRACE)).await;
            assert_eq!(late.told(), (401, "REFRESH_TOKEN_INVALID"));
            assert!(!is_alive(&members).await, "who of the two comes later ends it for both");
        });
    }

    #[test]
    fn an_unknown_token_ends_nobodys_session() {
        stack::run(async {
            let token = signed_in().await;
            let unknown = RefreshToken::first(token.key()).unwrap();
            assert_eq!(refresh(&unknown, Time::now()).await.told(), (401, "REFRESH_TOKEN_INVALID"));
            assert_eq!(refresh(&token, Time::now()).await.status, 200);
        });
    }

    #[test]
    fn a_live_cookie_is_found_behind_a_dead_one() {
        stack::run(async {
            let token = signed_in().await;
            let mut call = request_with(&token, Time::now());
            let live = call.context.headers[header::COOKIE].to_str().unwrap().to_owned();
            let both = format!("refresh=dead; {live}").parse().unwrap();
            call.context.headers.insert(header::COOKIE, both);
            assert_eq!(Seen::of(handle(clients(store()).await, call).await).status, 200);
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
                assert_eq!(seen.headers[header::SET_COOKIE], expired_cookie(), "{cookie}");
            }
        });
    }

    #[test]
    fn of_many_at_once_with_one_token_all_get_the_same_successor() {
        stack::run(async {
            let token = signed_in().await;
            let attempt = |token: RefreshToken| async move { refresh(&token, Time::now()).await };
            let refreshing: JoinSet<_> = (0..8).map(|_| attempt(token.clone())).collect();
            let all = refreshing.join_all().await;
            let next = all[0].refresh_token();
            for seen in &all {
                assert_eq!(seen.status, 200);
                assert!(seen.refresh_token() == next);
            }
            assert_eq!(refresh(&next, Time::now()).await.status, 200);
        });
    }

    #[test]
    fn who_loses_by_a_moment_gets_what_the_winner_got() {
        stack::run(async {
            let token = signed_in().await;
            // The loser has read the session; the winner is done before the loser writes.
            let read = store().get(&token.key()).await.unwrap().unwrap();
            let winners = refresh(&token, Time::now()).await.refresh_token();
            let member = member_of(&token).await;
            let losers = successor(&store(), &token, read, &member, Time::now()).await;
            let (losers, _) = losers.unwrap();
            assert!(losers == winners);
        });
    }

    #[test]
    fn who_loses_against_a_signing_out_is_signed_out() {
        stack::run(async {
            let token = signed_in().await;
            let read = store().get(&token.key()).await.unwrap().unwrap();
            store().end_session(token.key(), Time::now()).await.unwrap();
            let member = member_of(&token).await;
            let late = successor(&store(), &token, read, &member, Time::now()).await;
            assert_eq!(late.map(|_| ()).unwrap_err().code(), "REFRESH_TOKEN_INVALID");
        });
    }

    #[test]
    fn a_lost_answer_of_the_database_costs_nothing() {
        stack::run(async {
            let token = signed_in().await;
            let losing = Store::new(stack::losing("UpdateItem", 1), stack::prefix());
            let call = request_with(&token, Time::now());
            let next = Seen::of(handle(clients(losing).await, call).await).refresh_token();
            assert_eq!(refresh(&next, Time::now()).await.status, 200);
        });
    }

    #[test]
    fn after_a_refresh_whose_outcome_is_unknown_the_same_cookie_is_good() {
        stack::run(async {
            let token = signed_in().await;
            let losing = Store::new(stack::losing("UpdateItem", u32::MAX), stack::prefix());
            let call = request_with(&token, Time::now());
            let unknown = Seen::of(handle(clients(losing).await, call).await);
            assert_eq!(unknown.told(), (503, "STORE_OUTCOME_UNKNOWN"));
            assert_eq!(refresh(&token, Time::now()).await.status, 200);
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
            handle(clients.clone(), request_with(&token, Time::now())).await.unwrap();
            stack::assert_operation("refresh", &meter.take());
            handle(clients, request_with(&token, Time::now())).await.unwrap();
            stack::assert_operation("refresh again", &meter.take());
        });
    }
}
