//! `GET /v1/me/sessions`: where the caller is signed in.

use api::{Answer, Call, Cursors, List, Paging, Problem, Query};
use domain::{device::Country, id::SessionId, time::Time};
use serde::Serialize;
use store::{
    Store,
    identity::session::{SessionItem, SignedIn},
};
use utoipa::ToSchema;

/// One signing in that still holds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Its id.
    id: SessionId,
    /// Whether it is the one that asks.
    current: bool,
    /// The browser or the app, as far as it is known.
    #[schema(required, example = "Chrome")]
    browser: Option<String>,
    /// What that runs on.
    #[schema(required, example = "Android")]
    system: Option<String>,
    /// The country it began in, where that is known.
    #[schema(required)]
    country: Option<Country>,
    /// When the member signed in.
    created_at: Time,
    /// When it was last used, to a quarter of an hour.
    last_used_at: Time,
    /// When it ends, if it is not used before.
    expires_at: Time,
}

impl SessionView {
    fn of(session: SessionItem, current: SessionId) -> Self {
        Self {
            id: session.id,
            current: session.id == current,
            last_used_at: session.last_used_at(),
            browser: session.device.browser,
            system: session.device.system,
            country: session.country,
            created_at: session.created_at,
            expires_at: session.expires_at.time(),
        }
    }
}

/// Lists the sessions of one's own account
///
/// Those that hold, the newest first. A page may be shorter than asked for: what is over is left out.
#[utoipa::path(get, path = "/v1/me/sessions", params(Paging),
    responses((status = 200, description = "A page of sessions", body = List<SessionView>)),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<SignedIn, Query<Paging>>,
) -> Result<Answer<List<SessionView>>, Problem> {
    let Call { who, input: Query(paging), context } = call;
    let session = store.session(&who, context.now).await?;
    let member = &session.member;
    let scope = format!("list_my_sessions {}", member.id);
    let alive = async |limit, start| {
        let mut page = store.sessions_of(member.id, limit, start).await?;
        page.items.retain(|item| item.is_alive(member, context.now));
        Ok::<_, Problem>(page)
    };
    cursors.list(&scope, paging, alive, |item| SessionView::of(item, session.id)).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws::Secret;
    use serde_json::json;
    use store::identity::session::SessionKey;

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, fresh_email, request_of, sign_in, sign_in_with, sign_up, sign_up_body,
        store,
    };

    async fn list(store: Store, key: SessionKey, now: Time) -> Seen {
        let Call { who, context, .. } = request_of(key, now);
        let call = Call { who, input: Query(Paging::default()), context };
        // No page has a next one, so nobody asks for the keys.
        let cursors = Cursors::new(Secret::new(&stack::aws("http://127.0.0.1:1"), "cursor"));
        Seen::of(handle((store, cursors), call).await)
    }

    #[test]
    fn a_member_knows_each_session_again_and_what_is_over_is_not_told() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let over = sign_in(&email, PASSWORD).await.refresh_token().key();
            store().end_session(over, Time::now()).await.unwrap();
            let told = [
                ("user-agent", "Mozilla/5.0 (iPhone) KAKAOTALK 2510"),
                ("cloudfront-viewer-country", "KR"),
            ];
            let phone = sign_in_with(&email, PASSWORD, &told).await.refresh_token().key();
            let here = sign_in(&email, PASSWORD).await.refresh_token().key();

            let seen = list(store(), here, Time::now()).await;
            let told = |at: usize| {
                let mut it = seen.body["items"][at].clone();
                for time in ["createdAt", "lastUsedAt", "expiresAt"] {
                    assert!(it.as_object_mut().unwrap().remove(time).unwrap().is_string());
                }
                it
            };
            assert_eq!(seen.body["items"].as_array().unwrap().len(), 2, "{}", seen.body);
            assert_eq!(
                told(0),
                json!({ "id": here.session_id, "current": true, "browser": null, "system": null, "country": null })
            );
            assert_eq!(
                told(1),
                json!({ "id": phone.session_id, "current": false, "browser": "KakaoTalk", "system": "iPhone", "country": "KR" })
            );
            let late = Time::now().plus(Duration::from_hours(24 * 15));
            assert_eq!(list(store(), here, late).await.told(), (401, "SESSION_ENDED"));
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let key = sign_in(&email, PASSWORD).await.refresh_token().key();
            let (client, meter) = stack::metered();
            let seen = list(Store::new(client, stack::prefix()), key, Time::now()).await;
            assert_eq!(seen.status, 200);
            stack::assert_operation("list_my_sessions", &meter.take());
        });
    }
}
