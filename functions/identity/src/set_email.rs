//! `PUT /v1/me/email`: gives an account that has none its address.

use api::{Answer, Body, Call, FieldFaults, Problem};
use deserr::Deserr;
use domain::{
    id::CodeId,
    member::{CodePurpose, MailedCode},
};
use store::{
    Store,
    identity::{member::Member, session::SignedIn},
};
use utoipa::ToSchema;

use crate::{
    by_mail::{shown, using},
    codes,
    view::MemberView,
};

/// The code that was mailed to the address.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SetEmail {
    code_id: CodeId,
    code: MailedCode,
}

/// Gives one's own account an e-mail address
///
/// For an account that came through Kakao or Naver without one: with a code that was mailed there for `VERIFY_EMAIL`. An address
/// that an account has is not changed: `EMAIL_GIVEN`.
#[utoipa::path(put, path = "/v1/me/email", request_body = SetEmail,
    responses((status = 200, description = "The account", body = MemberView, headers(("ETag" = String)))),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Body<SetEmail>>,
) -> Result<Answer<MemberView>, Problem> {
    let Call { who, input: Body(SetEmail { code_id, code }), context } = call;
    let now = context.now;
    let before = store.session(&who, now).await?.member;
    let purpose = Some(CodePurpose::VerifyEmail);
    let item = shown(&store, (code_id, &code), purpose, &context).await?;
    if before.email.is_some() {
        return Err(Problem::new(codes::EMAIL_GIVEN));
    }
    let after = Member {
        email: Some(item.email.clone()),
        version: before.version + 1,
        updated_at: now,
        ..before.clone()
    };
    store.transact(using(&item).and(before.becoming(&after).map(Into::into))).await?;
    let version = after.version;
    Ok(Answer::ok(after.into()).versioned(version, &context))
}

#[cfg(test)]
mod tests {
    use domain::{member::Role, time::Time};
    use serde_json::Value;
    use store::identity::session::SessionKey;

    use super::*;
    use crate::testing::{
        Seen, code_for, fresh_email, read, request_of, sign_up, sign_up_body, signed_in, store,
        stored,
    };

    async fn set(store: Store, key: SessionKey, code: Value) -> Seen {
        let Call { who, context, .. } = request_of(key, Time::now());
        Seen::of(handle(store, Call { who, input: read(code), context }).await)
    }

    /// The session of a member who came without an address.
    async fn without_address() -> SessionKey {
        let claims = stack::sign_in(&store(), Role::User, Time::now()).await;
        let key = store::identity::member::MemberKey(claims.member_id);
        let before = store().get(&key).await.unwrap().unwrap();
        let after = Member { email: None, version: before.version + 1, ..before.clone() };
        store().change_member(&before, &after).await.unwrap();
        SessionKey { member_id: claims.member_id, session_id: claims.session_id }
    }

    #[test]
    fn who_has_no_address_gets_the_one_that_a_code_came_to() {
        stack::run(async {
            let (key, email) = (without_address().await, fresh_email());
            let wrong = code_for(&email, "LINK_IDENTITY").await;
            assert_eq!(set(store(), key, wrong).await.told(), (400, "CODE_NOT_GOOD"));
            let code = code_for(&email, "VERIFY_EMAIL").await;
            let seen = set(store(), key, code.clone()).await;
            assert_eq!((seen.status.as_u16(), &seen.body["email"]), (200, &email.as_str().into()));
            assert_eq!(stored(&email).await.unwrap().id, key.member_id);
            assert_eq!(set(store(), key, code).await.told(), (400, "CODE_NOT_GOOD"));
        });
    }

    #[test]
    fn an_address_that_somebody_has_is_theirs() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let owner = stored(&email).await;
            let code = code_for(&email, "VERIFY_EMAIL").await;
            let refused = set(store(), without_address().await, code).await;
            assert_eq!(refused.told(), (409, "EMAIL_TAKEN"));
            assert_eq!(stored(&email).await, owner);
            let given = signed_in().await.key();
            let code = code_for(&fresh_email(), "VERIFY_EMAIL").await;
            assert_eq!(set(store(), given, code).await.told(), (409, "EMAIL_GIVEN"));
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let key = without_address().await;
            let code = code_for(&fresh_email(), "VERIFY_EMAIL").await;
            let (client, meter) = stack::metered();
            set(Store::new(client, stack::prefix()), key, code).await;
            stack::assert_operation("set_email", &meter.take());
        });
    }
}
