//! `GET /v1/me`: one's own account.

use api::{Answer, Call, Problem};
use store::{Store, identity::session::SignedIn};

use crate::view::MemberView;

/// Reads one's own account
///
/// Everything that is kept of it but the password. The entity tag changes with the account.
#[utoipa::path(get, path = "/v1/me", security(("bearer" = [])),
    params(("If-None-Match" = Option<String>, Header, description = "Entity tags that the caller has")),
    responses(
        (status = 200, description = "The account", body = MemberView, headers(("ETag" = String))),
        (status = 304, description = "The caller has it already"),
    ),
)]
pub async fn handle(store: Store, call: Call<SignedIn>) -> Result<Answer<MemberView>, Problem> {
    let member = store.session(&call.who, call.context.now).await?.member;
    let version = member.version;
    Ok(Answer::ok(member.into()).versioned(version, &call.context))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{
        id::{MemberId, SessionId},
        time::Time,
    };
    use http::header;
    use store::identity::{member::MemberKey, session::SessionKey};

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, fresh_email, request_of, sign_in, sign_up, sign_up_body, signed_in, store,
        stored,
    };

    async fn me(key: SessionKey, now: Time) -> Seen {
        Seen::of(handle(store(), request_of(key, now)).await)
    }

    #[test]
    fn a_member_reads_what_they_gave() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let given =
                serde_json::to_value(MemberView::from(stored(&email).await.unwrap())).unwrap();
            let key = sign_in(&email, PASSWORD).await.refresh_token().key();
            let seen = me(key, Time::now()).await;
            assert_eq!((seen.status.as_u16(), &seen.body), (200, &given));
            assert!(!seen.body.to_string().to_lowercase().contains("password"));
        });
    }

    #[test]
    fn who_has_this_version_is_not_sent_it_again() {
        stack::run(async {
            let key = signed_in().await.key();
            let tag = me(key, Time::now()).await.headers[header::ETAG].clone();
            for (known, status) in [(tag, 304), ("\"0\"".parse().unwrap(), 200)] {
                let mut call = request_of(key, Time::now());
                call.context.headers.insert(header::IF_NONE_MATCH, known);
                assert_eq!(Seen::of(handle(store(), call).await).status, status);
            }
        });
    }

    #[test]
    fn a_session_that_is_past_or_unknown_is_refused() {
        stack::run(async {
            let key = signed_in().await.key();
            let late = Time::now().plus(Duration::from_hours(24 * 14 + 1));
            assert_eq!(me(key, late).await.told(), (401, "SESSION_ENDED"));
            let unknown = SessionKey { session_id: SessionId::generate(), ..key };
            assert_eq!(me(unknown, Time::now()).await.told(), (401, "SESSION_ENDED"));
            let foreign = SessionKey { member_id: MemberId::generate(), ..key };
            assert_eq!(me(foreign, Time::now()).await.told(), (401, "SESSION_ENDED"));
        });
    }

    #[test]
    fn the_members_mark_ends_every_session_that_began_before_it() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let first = sign_in(&email, PASSWORD).await.refresh_token().key();
            let second = sign_in(&email, PASSWORD).await.refresh_token().key();
            let mark = MemberKey(first.member_id).ending_sessions(Time::now());
            store().write(mark, ()).await.unwrap();
            for ended in [first, second] {
                assert_eq!(me(ended, Time::now()).await.told(), (401, "SESSION_ENDED"));
            }
            let third = sign_in(&email, PASSWORD).await.refresh_token().key();
            assert_eq!(me(third, Time::now()).await.status, 200);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let key = signed_in().await.key();
            let (client, meter) = stack::metered();
            handle(Store::new(client, stack::prefix()), request_of(key, Time::now()))
                .await
                .unwrap();
            stack::assert_operation("get_me", &meter.take());
        });
    }
}
