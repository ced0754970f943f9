//! `POST /v1/coupons/claims`: the caller claims the coupon of a code.

use api::{Answer, Body, Call, FieldFaults, Idempotency, Problem};
use deserr::Deserr;
use domain::coupon::CouponCode;
use store::{
    Store,
    ephemeral::idempotency::RecordKey,
    identity::session::SignedIn,
    sales::{
        claim::ClaimedKey,
        coupon::{CodeKey, CouponKey, NotClaimed},
    },
};
use utoipa::ToSchema;

use crate::{
    claiming::{answered, claim, count},
    view::ClaimView,
};

/// A code that somebody has.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClaimByCode {
    code: CouponCode,
}

/// Claims the coupon of a code
///
/// As by its id. The code is read in lower case and without dashes, too. A wrong one and one of a coupon that was withdrawn are
/// refused alike (`COUPON_NOT_FOUND`).
#[utoipa::path(post, path = "/v1/coupons/claims", request_body = ClaimByCode, params(Idempotency),
    responses(
        (status = 201, description = "Claimed", body = ClaimView, headers(("Location" = String))),
        (status = 200, description = "Claimed before", body = ClaimView),
    ),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Body<ClaimByCode>>,
) -> Result<Answer<ClaimView>, Problem> {
    let idempotency = call.idempotency()?;
    let Call { who, input: Body(ClaimByCode { code }), context } = call;
    let key = RecordKey::of(&who, "claim_coupon_by_code", idempotency.key.clone());
    let (session, (record, found)) =
        store.read_for(&who, (key.clone(), CodeKey(code)), context.now).await?;
    if let Some(answer) = answered(record, &idempotency, &context)? {
        return Ok(answer);
    }
    session.member.may_deal(context.now)?;
    count(&store, session.member.id, &context).await?;
    let coupon_id = found.ok_or(NotClaimed::NotFound)?.coupon_id;
    let found = store.read(&(CouponKey(coupon_id), ClaimedKey::of(&who, coupon_id))).await?;
    claim(&store, session.member.id, found, (key, idempotency), &context).await
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use serde_json::json;

    use crate::testing::{claim, claim_by_code, fan, offered, store};

    #[test]
    fn a_code_claims_its_coupon_however_it_is_typed_and_once_with_its_id() {
        stack::run(async {
            let (fan, other, now) = (fan().await, fan().await, Time::now());
            let coupon = offered(5, now).await;
            let code = coupon.code.as_str();
            let first = claim_by_code(store(), &fan, &code.to_lowercase(), "code", now).await;
            assert_eq!((first.0, &first.1["couponId"]), (201, &json!(coupon.id)));
            let bare = code.replace('-', "");
            let again = claim_by_code(store(), &fan, &bare, "bare", now).await;
            assert_eq!((again.0, &again.1), (200, &first.1));
            let by_id = claim(store(), &fan, &coupon, "id", now).await;
            assert_eq!((by_id.0, &by_id.1), (200, &first.1));
            let of_other = claim_by_code(store(), &other, code, "code", now).await;
            assert_eq!(of_other.0, 201);
            assert_ne!(of_other.1["id"], first.1["id"]);
            assert_eq!(store().claims_on(&coupon).await.unwrap(), 2);
        });
    }

    #[test]
    fn a_key_stands_for_one_code() {
        stack::run(async {
            let (fan, now) = (fan().await, Time::now());
            let coupons = [offered(5, now).await, offered(5, now).await];
            let [one, other] = coupons.map(|coupon| coupon.code);
            assert_eq!(claim_by_code(store(), &fan, one.as_str(), "key", now).await.0, 201);
            let (status, problem, _) =
                claim_by_code(store(), &fan, other.as_str(), "key", now).await;
            assert_eq!((status, &problem["code"]), (422, &json!("IDEMPOTENCY_KEY_REUSED")));
        });
    }

    #[test]
    fn a_wrong_code_and_a_withdrawn_one_are_refused_alike() {
        stack::run(async {
            let (fan, now) = (fan().await, Time::now());
            let coupon = offered(5, now).await;
            store().withdraw_coupon(coupon.id, now).await.unwrap();
            let ask = async |code: &str| claim_by_code(store(), &fan, code, "key", now).await;
            let (wrong, withdrawn) = (ask("ZZZZ-ZZZZ-ZZZZ").await, ask(coupon.code.as_str()).await);
            assert_eq!((wrong.0, &wrong.1["code"]), (404, &json!("COUPON_NOT_FOUND")));
            assert_eq!(wrong, withdrawn);
        });
    }
}
