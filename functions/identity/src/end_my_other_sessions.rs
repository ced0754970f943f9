//! `DELETE /v1/me/sessions`: signs out everywhere else.

use api::{Answer, Call, Problem};
use store::{Store, identity::session::SignedIn};

/// Ends all other sessions of one's own account
///
/// However many there are: their tokens are refused at once. The session that asks goes on.
#[utoipa::path(delete, path = "/v1/me/sessions",
    responses((status = 204, description = "Ended")),
    security(("bearer" = [])),
)]
pub async fn handle(store: Store, call: Call<SignedIn>) -> Result<Answer<()>, Problem> {
    let session = store.session(&call.who, call.context.now).await?;
    store.end_other_sessions(&session, call.context.now).await?;
    Ok(Answer::nothing())
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use store::identity::{member::MemberKey, session::SessionKey};

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, fresh_email, is_alive, request_of, sign_in, sign_up, sign_up_body,
        signed_in, store,
    };

    async fn end_others(key: SessionKey) -> Seen {
        Seen::of(handle(store(), request_of(key, Time::now())).await)
    }

    #[test]
    fn whoever_ends_all_others_stays_and_may_be_ended_by_the_next() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let session = async || sign_in(&email, PASSWORD).await.refresh_token().key();
            let (first, second, stranger) =
                (session().await, session().await, signed_in().await.key());
            assert_eq!(end_others(second).await.told(), (204, ""));
            assert!(is_alive(second).await && !is_alive(first).await && is_alive(stranger).await);
            assert_eq!(end_others(first).await.told(), (401, "SESSION_ENDED"));

            let third = session().await;
            assert!(is_alive(second).await && is_alive(third).await);
            assert_eq!(end_others(third).await.told(), (204, ""));
            assert!(!is_alive(second).await && is_alive(third).await);
        });
    }

    #[test]
    fn the_mark_that_ends_all_spares_nobody_who_was_spared_before() {
        stack::run(async {
            let key = signed_in().await.key();
            end_others(key).await;
            assert!(is_alive(key).await);
            let all = MemberKey(key.member_id).ending_sessions(Time::now());
            store().write(all, ()).await.unwrap();
            assert!(!is_alive(key).await);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let key = signed_in().await.key();
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            handle(store, request_of(key, Time::now())).await.unwrap();
            stack::assert_operation("end_my_other_sessions", &meter.take());
        });
    }
}
