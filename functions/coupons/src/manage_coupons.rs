//! Worker that an operator starts, with an order: creates, lists, changes or withdraws coupons. Admins will do the same by routes, when
//! they can sign in.

use std::error::Error;

use api::Worker;
use domain::{
    coupon::{CouponCode, Discount, Quota},
    id::CouponId,
    time::{Day, Time},
};
use serde::{Deserialize, Serialize};
use store::{
    Rejected, Start, Store,
    sales::coupon::{Coupon, NewTerms, NotOffered},
};

/// What is to be done.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Order {
    /// Offers a coupon.
    Create {
        /// Its code; one is drawn if none is given.
        #[serde(default)]
        code: Option<CouponCode>,
        /// What it takes off, in won.
        discount: Discount,
        /// How many may claim it.
        quota: Quota,
        /// Its last day, in Korea.
        expires_on: Day,
    },
    /// Shows a page of all coupons, the newest first.
    List {
        /// The `next` of the page before.
        #[serde(default)]
        after: Option<Start>,
    },
    /// Puts a coupon on other terms. Who has claimed it keeps those that it had.
    Change {
        /// The coupon.
        id: CouponId,
        /// How many may claim it: not fewer than did.
        #[serde(default)]
        quota: Option<Quota>,
        /// Its last day.
        #[serde(default)]
        expires_on: Option<Day>,
    },
    /// Ends the claims on a coupon, and nothing else.
    Withdraw {
        /// The coupon.
        id: CouponId,
    },
}

/// How coupons stand after an order.
#[derive(Debug, Serialize)]
pub struct Managed {
    coupons: Vec<Row>,
    /// Where the list goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Start>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: CouponId,
    code: CouponCode,
    discount: Discount,
    quota: Quota,
    /// How many have claimed it.
    claimed: u32,
    expires_on: Day,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_at: Option<Time>,
}

/// How many coupons are shown at once: the quota of each is read by itself.
const PAGE: u32 = 20;

/// Does what was ordered, and answers the coupons that it is about. Doing it again changes nothing more, but for a coupon whose code is
/// drawn: that is another one.
///
/// # Errors
/// [`NotOffered`] in its words, or the database's trouble.
pub async fn handle(store: Store, order: Order) -> Result<Managed, Box<dyn Error + Send + Sync>> {
    let now = Time::now();
    let (coupons, next) = match order {
        Order::Create { code, discount, quota, expires_on } => {
            let code = match code {
                Some(code) => code,
                None => CouponCode::of(getrandom::u64().map_err(|error| error.to_string())?),
            };
            let coupon = Coupon::new(code, discount, quota, expires_on, now);
            store.offer(&coupon, now).await.map_err(told)?;
            (vec![coupon], None)
        }
        Order::List { after } => store.coupons(PAGE, after).await?.into(),
        Order::Change { id, quota, expires_on } => {
            let terms = NewTerms { quota, expires_on };
            (vec![store.change_coupon(id, terms, now).await.map_err(told)?], None)
        }
        Order::Withdraw { id } => (vec![store.withdraw_coupon(id, now).await.map_err(told)?], None),
    };
    let mut rows = Vec::new();
    for coupon in coupons {
        let claimed = store.claims_on(&coupon).await?;
        let Coupon { id, code, discount, quota, expires_on, withdrawn_at, .. } = coupon;
        rows.push(Row { id, code, discount, quota, claimed, expires_on, withdrawn_at });
    }
    Ok(Managed { coupons: rows, next })
}

fn told(rejected: Rejected<NotOffered>) -> Box<dyn Error + Send + Sync> {
    match rejected {
        Rejected::Condition(reason) => reason.into(),
        Rejected::Store(fault) => fault.into(),
    }
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(handle)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{claim, fan, store};

    async fn managed_in(store: Store, order: Value) -> Result<Value, String> {
        let order = serde_json::from_value(order).map_err(|error| error.to_string())?;
        let managed = handle(store, order).await.map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(managed).unwrap())
    }

    async fn managed(order: Value) -> Result<Value, String> {
        managed_in(store(), order).await
    }

    fn in_days(days: u64) -> Day {
        Time::now().plus(Duration::from_hours(24 * days)).korean_day()
    }

    #[test]
    fn an_operator_creates_changes_and_withdraws_a_coupon() {
        stack::run(async {
            let new = json!({ "discount": 3_000, "quota": 2, "expiresOn": in_days(9) });
            let created = managed(json!({ "create": new })).await.unwrap()["coupons"][0].clone();
            let id: CouponId = created["id"].as_str().unwrap().parse().unwrap();
            let row = json!({
                "id": id, "code": created["code"], "discount": 3_000, "quota": 2, "claimed": 0,
                "expiresOn": in_days(9),
            });
            assert_eq!(created, row);

            let coupon = store().get(&store::sales::coupon::CouponKey(id)).await.unwrap().unwrap();
            assert_eq!(claim(store(), &fan().await, &coupon, "key", Time::now()).await.0, 201);
            let other = json!({ "id": id, "quota": 5, "expiresOn": in_days(3) });
            let changed = managed(json!({ "change": other })).await.unwrap()["coupons"][0].clone();
            let shown = (&changed["quota"], &changed["claimed"], &changed["expiresOn"]);
            assert_eq!(shown, (&json!(5), &json!(1), &json!(in_days(3))));

            let withdrawn = managed(json!({ "withdraw": { "id": id } })).await.unwrap();
            assert!(withdrawn["coupons"][0]["withdrawnAt"].is_string(), "{withdrawn}");
            let again = managed(json!({ "withdraw": { "id": id } })).await.unwrap();
            assert_eq!(again, withdrawn);
        });
    }

    #[test]
    fn what_can_not_be_done_is_told_in_a_sentence() {
        stack::run(async {
            let new = |code: &str, day| json!({ "create": { "code": code, "discount": 3_000, "quota": 2, "expiresOn": day } });
            let code = CouponCode::of(fastrand::u64(..));
            let made = managed(new(code.as_str(), in_days(1))).await.unwrap();
            let id = &made["coupons"][0]["id"];
            let lost = CouponId::generate();
            for (order, told) in [
                (new(code.as_str(), in_days(1)), "there is a coupon with this code"),
                (new("ZZZZ-ZZZZ-ZZZ9", "2026-01-01".parse().unwrap()), "the last day is over"),
                (new("short", in_days(1)), "must be written like"),
                (json!({ "change": { "id": id, "quota": 0 } }), "must be a whole number"),
                (json!({ "change": { "id": id, "discount": 9 } }), "unknown field `discount`"),
                (json!({ "change": { "id": lost } }), "there is no such coupon"),
                (json!({ "withdraw": { "id": lost } }), "there is no such coupon"),
                (json!({ "burn": {} }), "unknown variant"),
            ] {
                let refused = managed(order.clone()).await.unwrap_err();
                assert!(refused.contains(told), "{order}: {refused}");
            }
        });
    }

    #[test]
    fn all_coupons_are_listed_the_newest_first_page_by_page() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), &stack::own_tables().await);
            let mut made = Vec::new();
            for _ in 0..=PAGE {
                let coupon = crate::testing::offer(&store, 5, Time::now()).await;
                made.insert(0, json!(coupon.id));
            }
            store
                .withdraw_coupon(made[0].as_str().unwrap().parse().unwrap(), Time::now())
                .await
                .unwrap();
            let ids = |page: &Value| -> Vec<Value> {
                page["coupons"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect()
            };
            // Ids of one millisecond are in no order.
            let sorted = |mut ids: Vec<Value>| {
                ids.sort_by_key(Value::to_string);
                ids.reverse();
                ids
            };
            let first = managed_in(store.clone(), json!({ "list": {} })).await.unwrap();
            let last =
                managed_in(store, json!({ "list": { "after": first["next"] } })).await.unwrap();
            assert_eq!([ids(&first), ids(&last)].concat(), sorted(made));
            assert_eq!((ids(&last).len(), last.get("next")), (1, None));
        });
    }
}
