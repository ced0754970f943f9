//! `DELETE /v1/me/sessions/{sessionId}`: signs out somewhere else.

use api::{Answer, Call, FieldFaults, Path, Problem};
use deserr::Deserr;
use domain::id::SessionId;
use http::header;
use store::{
    Store,
    identity::session::{SessionKey, SignedIn},
};
use utoipa::IntoParams;

use crate::{codes, credentials::refresh_token::expired_cookie};

/// Which session.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct SessionPath {
    /// The session.
    #[param(inline)]
    session_id: SessionId,
}

/// Ends a session of one's own account
///
/// Its tokens are refused at once. Ending it twice is no fault; ending the session that asks is signing out.
#[utoipa::path(delete, path = "/v1/me/sessions/{sessionId}", params(SessionPath),
    responses((status = 204, description = "Ended", headers(("Set-Cookie" = String)))),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<SessionPath>>,
) -> Result<Answer<()>, Problem> {
    let Call { who, input: Path(SessionPath { session_id }), context } = call;
    let session = store.session(&who, context.now).await?;
    let key = SessionKey { member_id: session.member.id, session_id };
    if !store.end_session(key, context.now).await? {
        return Err(Problem::new(codes::SESSION_NOT_FOUND));
    }
    let ended = Answer::nothing();
    if session_id == session.id {
        return Ok(ended.with(header::SET_COOKIE, &expired_cookie()));
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use domain::time::Time;

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, fresh_email, is_alive, request_of, sign_in, sign_up, sign_up_body,
        signed_in, store,
    };

    async fn end(by: SessionKey, session_id: SessionId) -> Seen {
        let Call { who, context, .. } = request_of(by, Time::now());
        let call = Call { who, input: Path(SessionPath { session_id }), context };
        Seen::of(handle(store(), call).await)
    }

    #[test]
    fn one_session_ends_another_of_its_member_and_both_may_say_so_twice() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let [here, lost] = [
                sign_in(&email, PASSWORD).await.refresh_token().key(),
                sign_in(&email, PASSWORD).await.refresh_token().key(),
            ];
            for _ in 0..2 {
                let seen = end(here, lost.session_id).await;
                assert_eq!(seen.told(), (204, ""));
                assert!(!seen.headers.contains_key(header::SET_COOKIE), "the cookie here is good");
            }
            assert!(is_alive(here).await && !is_alive(lost).await);
            assert_eq!(end(lost, here.session_id).await.told(), (401, "SESSION_ENDED"));
            assert!(end(here, here.session_id).await.headers.contains_key(header::SET_COOKIE));
            assert!(!is_alive(here).await);
        });
    }

    #[test]
    fn another_members_session_is_not_there() {
        stack::run(async {
            let (mine, theirs) = (signed_in().await.key(), signed_in().await.key());
            for id in [theirs.session_id, SessionId::generate()] {
                assert_eq!(end(mine, id).await.told(), (404, "SESSION_NOT_FOUND"));
            }
            assert!(is_alive(theirs).await);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let key = signed_in().await.key();
            let (client, meter) = stack::metered();
            let Call { who, context, .. } = request_of(key, Time::now());
            let input = Path(SessionPath { session_id: key.session_id });
            let call = Call { who, input, context };
            handle(Store::new(client, stack::prefix()), call).await.unwrap();
            stack::assert_operation("end_my_session", &meter.take());
        });
    }
}
