//! `POST /v1/coupons/{couponId}/claims`: the caller claims a coupon.

use api::{Answer, Call, Idempotency, Path, Problem};
use deserr::Deserr;
use domain::id::CouponId;
use store::{
    Store,
    ephemeral::idempotency::RecordKey,
    identity::session::SignedIn,
    sales::{claim::ClaimedKey, coupon::CouponKey},
};
use utoipa::IntoParams;

use crate::{
    claiming::{answered, claim, count},
    view::ClaimView,
};

/// Which coupon.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = api::FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct CouponPath {
    /// The coupon.
    pub coupon_id: CouponId,
}

/// Claims a coupon
///
/// One each, while there are any: who has it already is answered what they have (200). Who claims has a verified e-mail address
/// (`EMAIL_NEEDED`) and is of age (`AGE_NEEDED`), as who buys.
#[utoipa::path(post, path = "/v1/coupons/{couponId}/claims", params(CouponPath, Idempotency),
    responses(
        (status = 201, description = "Claimed", body = ClaimView, headers(("Location" = String))),
        (status = 200, description = "Claimed before", body = ClaimView),
    ),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<CouponPath>>,
) -> Result<Answer<ClaimView>, Problem> {
    let idempotency = call.idempotency()?;
    let Call { who, input: Path(CouponPath { coupon_id }), context } = call;
    let key = RecordKey::of(&who, "claim_coupon", idempotency.key.clone());
    let found = (CouponKey(coupon_id), ClaimedKey::of(&who, coupon_id));
    let (session, (record, found)) =
        store.read_for(&who, (key.clone(), found), context.now).await?;
    if let Some(answer) = answered(record, &idempotency, &context)? {
        return Ok(answer);
    }
    session.member.may_deal(context.now)?;
    count(&store, session.member.id, &context).await?;
    claim(&store, session.member.id, found, (key, idempotency), &context).await
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use domain::{coupon::CouponCode, time::Time, who::Claims};
    use futures::{StreamExt, future::join_all, stream};
    use serde_json::json;
    use store::{
        Write,
        ephemeral::idempotency::LEASE,
        identity::member::MemberKey,
        sales::coupon::{Coupon, NewTerms},
    };

    use super::*;
    use crate::{
        claiming::{BY_MEMBER, FROM_ADDRESS},
        testing::{Seen, claim as ask, claim_by_code, claim_from, claims, fan, offered, store},
    };

    fn without(attribute: &str) -> Store {
        Store::new(stack::without(attribute), stack::prefix())
    }

    /// So many fans, each from an address of their own.
    async fn crowd(size: usize) -> Vec<Claims> {
        stream::iter(0..size).map(|_| fan()).buffer_unordered(16).collect().await
    }

    /// All of them claim at once: how many got one, and what the others were told.
    async fn rush(store: &Store, coupon: &Coupon, crowd: &[Claims]) -> (usize, BTreeSet<String>) {
        let now = Time::now();
        let ask = |(number, fan)| {
            let (store, coupon, fan) = (store.clone(), coupon.clone(), Claims::clone(fan));
            async move {
                let address = format!("10.0.{}.{}", number / 250, number % 250);
                loop {
                    let seen = claim_from(&store, &fan, &coupon, "key", &address, now).await;
                    // Some wait for others longer than they may.
                    if seen.0 != 503 {
                        return seen;
                    }
                }
            }
        };
        let tasks = crowd.iter().enumerate().map(ask).map(tokio::spawn);
        let outcomes = join_all(tasks.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap);
        let (got, refused): (Vec<Seen>, Vec<Seen>) =
            outcomes.partition(|(status, ..)| *status == 201);
        (
            got.len(),
            refused.into_iter().map(|(_, problem, _)| problem["code"].to_string()).collect(),
        )
    }

    #[test]
    fn of_a_thousand_who_want_one_exactly_as_many_get_it_as_there_are() {
        stack::run(async {
            let coupon = offered(50, Time::now()).await;
            let (got, told) = rush(&store(), &coupon, &crowd(1_000).await).await;
            assert_eq!((got, told), (50, BTreeSet::from(["\"COUPON_GONE\"".to_owned()])));
            assert_eq!(store().claims_on(&coupon).await.unwrap(), 50);
        });
    }

    #[test]
    fn without_the_condition_on_what_is_left_more_get_it() {
        stack::run(async {
            let coupon = offered(5, Time::now()).await;
            let (got, _) = rush(&without("free"), &coupon, &crowd(40).await).await;
            assert!(got > 5, "the condition makes no difference: {got} of 5");
        });
    }

    /// One fan, twenty tries at once, each with a key of its own.
    async fn tries(store: Store, fan: &Claims, coupon: &Coupon) -> Vec<Seen> {
        let now = Time::now();
        let keys: Vec<_> = (0..20).map(|number| format!("key-{number}")).collect();
        join_all(keys.iter().map(|key| ask(store.clone(), fan, coupon, key, now))).await
    }

    #[test]
    fn twenty_tries_at_once_are_one_claim_and_all_are_answered_it() {
        stack::run(async {
            let (fan, coupon) = (fan().await, offered(100, Time::now()).await);
            let seen = tries(store(), &fan, &coupon).await;
            let new = seen.iter().filter(|(status, ..)| *status == 201).count();
            let there = seen.iter().filter(|(status, ..)| *status == 200).count();
            assert_eq!((new, there), (1, 19), "{seen:?}");
            let ids: BTreeSet<_> =
                seen.iter().map(|(_, claim, _)| claim["id"].to_string()).collect();
            assert_eq!((ids.len(), claims(fan.member_id).await), (1, 1));
            assert_eq!(store().claims_on(&coupon).await.unwrap(), 1);
        });
    }

    #[test]
    fn without_the_guard_they_are_several() {
        stack::run(async {
            let several = async || {
                let (fan, coupon) = (fan().await, offered(100, Time::now()).await);
                tries(without("pk"), &fan, &coupon).await;
                claims(fan.member_id).await > 1
            };
            assert!(stack::happens(several).await);
        });
    }

    #[test]
    fn the_same_key_is_answered_the_same_and_another_what_there_is() {
        stack::run(async {
            let (fan, coupon, now) = (fan().await, offered(1, Time::now()).await, Time::now());
            let first = ask(store(), &fan, &coupon, "key", now).await;
            assert_eq!((first.0, &first.1["status"]), (201, &json!("USABLE")));
            assert_eq!(first.2["location"], "/v1/me/coupons");
            assert_eq!(ask(store(), &fan, &coupon, "key", now).await, first);
            // It was the last one, and then it is withdrawn: the claim is there all the same.
            store().withdraw_coupon(coupon.id, now).await.unwrap();
            for key in ["other", "other"] {
                let (status, claim, _) = ask(store(), &fan, &coupon, key, now).await;
                assert_eq!((status, claim), (200, first.1.clone()));
            }
            assert_eq!(ask(store(), &fan, &coupon, "key", now).await, first);
            assert_eq!(claims(fan.member_id).await, 1);
        });
    }

    #[test]
    fn a_lost_answer_makes_no_second_claim() {
        stack::run(async {
            let (fan, coupon, now) = (fan().await, offered(5, Time::now()).await, Time::now());
            let losing = Store::new(stack::losing("TransactWriteItems", 1), stack::prefix());
            assert_eq!(ask(losing, &fan, &coupon, "key", now).await.0, 201);
            assert_eq!(store().claims_on(&coupon).await.unwrap(), 1);
            assert_eq!(claims(fan.member_id).await, 1);
        });
    }

    #[test]
    fn what_died_before_it_claimed_is_resumed_when_its_lease_is_over() {
        stack::run(async {
            let (fan, coupon, now) = (fan().await, offered(5, Time::now()).await, Time::now());
            let key = RecordKey {
                account: fan.member_id.to_string(),
                operation: "claim_coupon",
                key: "died".into(),
            };
            // As the handler does, up to where the process dies.
            let fingerprint = crate::testing::fingerprint(&coupon);
            store().begin(key, &fingerprint, now).await.unwrap();
            let (status, problem, headers) = ask(store(), &fan, &coupon, "died", now).await;
            assert_eq!((status, &problem["code"]), (409, &json!("IDEMPOTENCY_IN_PROGRESS")));
            assert!(headers.contains_key("retry-after"));
            assert_eq!(ask(store(), &fan, &coupon, "died", now.plus(LEASE)).await.0, 201);
            assert_eq!(store().claims_on(&coupon).await.unwrap(), 1);
        });
    }

    #[test]
    fn a_refusal_says_why_and_makes_nothing_and_the_same_key_tries_again() {
        stack::run(async {
            let (fan, now) = (fan().await, Time::now());
            let coupon = offered(1, now).await;
            let told = async |coupon: &Coupon, at| {
                let (status, problem, _) = ask(store(), &fan, coupon, "key", at).await;
                (status, problem["code"].as_str().unwrap_or_default().to_owned())
            };
            let unknown = Coupon::new(
                CouponCode::of(fastrand::u64(..)),
                coupon.discount,
                coupon.quota,
                coupon.expires_on,
                now,
            );
            let withdrawn = offered(5, now).await;
            store().withdraw_coupon(withdrawn.id, now).await.unwrap();
            for coupon in [&unknown, &withdrawn] {
                assert_eq!(told(coupon, now).await, (404, "COUPON_NOT_FOUND".into()));
            }
            let end = coupon.expires_on.end();
            let awake = crate::testing::fan_at(end).await;
            let (status, problem, _) = ask(store(), &awake, &coupon, "key", end).await;
            assert_eq!((status, &problem["code"]), (400, &json!("COUPON_EXPIRED")));
            let other = crate::testing::fan().await;
            assert_eq!(ask(store(), &other, &coupon, "key", now).await.0, 201);
            for _ in 0..2 {
                assert_eq!(told(&coupon, now).await, (400, "COUPON_GONE".into()));
            }
            assert_eq!(claims(fan.member_id).await, 0);
            let more = NewTerms { quota: Some(2.try_into().unwrap()), expires_on: None };
            store().change_coupon(coupon.id, more, now).await.unwrap();
            assert_eq!(ask(store(), &fan, &coupon, "key", now).await.0, 201);
        });
    }

    #[test]
    fn a_quota_that_is_raised_while_somebody_finds_none_left_is_there_for_the_next() {
        stack::run(async {
            let (fan, now) = (fan().await, Time::now());
            let coupon = offered(1, now).await;
            assert_eq!(ask(store(), &fan, &coupon, "key", now).await.0, 201);
            // Between what the operator's order reads and its transaction.
            let late = coupon.clone();
            let refused = move || {
                let late = late.clone();
                async move {
                    let (_, problem, _) =
                        ask(store(), &crate::testing::fan().await, &late, "key", now).await;
                    assert_eq!(problem["code"], "COUPON_GONE");
                }
            };
            let raising = stack::meanwhile("TransactWriteItems", refused);
            let more = NewTerms { quota: Some(2.try_into().unwrap()), expires_on: None };
            let operators = Store::new(raising, stack::prefix());
            operators.change_coupon(coupon.id, more, now).await.unwrap();
            let next = crate::testing::fan().await;
            assert_eq!(ask(store(), &next, &coupon, "key", now).await.0, 201);
        });
    }

    #[test]
    fn who_may_not_buy_claims_nothing() {
        stack::run(async {
            let (fan, coupon, now) = (fan().await, offered(5, Time::now()).await, Time::now());
            let key = MemberKey(fan.member_id);
            for (lacking, needed) in [("email", "EMAIL_NEEDED"), ("declaredOfAgeAt", "AGE_NEEDED")]
            {
                store().write(Write::update(&key).remove(lacking), ()).await.unwrap();
                let (status, problem, _) = ask(store(), &fan, &coupon, "key", now).await;
                assert_eq!((status, &problem["code"]), (403, &json!(needed)));
            }
            assert_eq!(claims(fan.member_id).await, 0);
        });
    }

    #[test]
    fn tries_are_counted_by_member_and_by_address_whichever_way_they_come() {
        stack::run(async {
            let (fan, coupon, now) = (fan().await, offered(5, Time::now()).await, Time::now());
            assert_eq!(ask(store(), &fan, &coupon, "first", now).await.0, 201);
            for _ in 1..BY_MEMBER.limit {
                let guess = CouponCode::of(fastrand::u64(..));
                let seen = claim_by_code(store(), &fan, guess.as_str(), "guess", now).await;
                assert_eq!(seen.0, 404, "{seen:?}");
            }
            let (status, problem, headers) =
                claim_by_code(store(), &fan, coupon.code.as_str(), "next", now).await;
            assert_eq!((status, &problem["code"]), (429, &json!("TOO_MANY_REQUESTS")));
            let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert_eq!(ask(store(), &fan, &coupon, "again", now).await.0, 429, "by id, too");
            assert_eq!(ask(store(), &fan, &coupon, "first", now).await.0, 201, "what was made");
            let later = now.plus(Duration::from_secs(wait));
            assert_eq!(ask(store(), &fan, &coupon, "again", later).await.0, 200);

            let crowded = "203.0.113.9";
            let counted = store::ephemeral::rate::address(crowded);
            while store().count(FROM_ADDRESS, &counted, now).await.is_ok() {}
            let other = crate::testing::fan().await;
            let seen = claim_from(&store(), &other, &coupon, "key", crowded, now).await;
            assert_eq!(seen.0, 429, "{seen:?}");
            assert_eq!(
                claim_from(&store(), &other, &coupon, "key", "203.0.113.8", now).await.0,
                201
            );
        });
    }

    #[test]
    fn claiming_costs_what_the_data_model_says() {
        stack::run(async {
            let (fan, coupon, now) = (fan().await, offered(5, Time::now()).await, Time::now());
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            for (operation, key, status) in [
                ("claim_coupon", "key", 201),
                ("claim_coupon with the same key", "key", 201),
                ("claim_coupon again", "other", 200),
            ] {
                assert_eq!(ask(store.clone(), &fan, &coupon, key, now).await.0, status);
                stack::assert_operation(operation, &meter.take());
            }
            let last = offered(1, now).await;
            assert_eq!(ask(store.clone(), &fan, &last, "last", now).await.0, 201);
            meter.take();
            for operation in
                ["claim_coupon, nobody has seen that none is left", "claim_coupon, none is left"]
            {
                let other = crate::testing::fan().await;
                assert_eq!(ask(store.clone(), &other, &last, "key", now).await.0, 400);
                stack::assert_operation(operation, &meter.take());
            }
            let by_code = offered(5, now).await;
            let code = by_code.code.as_str();
            let seen = claim_by_code(store.clone(), &fan, code, "by-code", now).await;
            assert_eq!(seen.0, 201, "{seen:?}");
            stack::assert_operation("claim_coupon_by_code", &meter.take());
            let seen = claim_by_code(store, &fan, "ZZZZ-ZZZZ-ZZZZ", "wrong", now).await;
            assert_eq!(seen.0, 404, "{seen:?}");
            stack::assert_operation("claim_coupon_by_code, a wrong one", &meter.take());
        });
    }
}
