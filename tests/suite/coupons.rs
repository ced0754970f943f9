//! Coupons over the deployed stack: offered by an operator, claimed while there are any, and once, whoever dies meanwhile.

use std::time::Duration;

use domain::{
    coupon::CouponCode,
    member::Role,
    time::{Day, Time},
    who::Claims,
};
use reqwest::Method;
use serde_json::{Value, json};
use store::sales::coupon::Coupon;
use tests::{gateway, kills::Point};

use crate::{
    killed::{again, killed, signed, store, token},
    workers::invoke_with,
    world::{Member, World},
};

fn in_days(days: u64) -> Day {
    Time::now().plus(Duration::from_hours(24 * days)).korean_day()
}

/// A coupon that can be claimed until tomorrow.
pub async fn offered(quota: i64) -> Coupon {
    let (discount, quota) = (5_000.try_into().unwrap(), quota.try_into().unwrap());
    let code = CouponCode::of(fastrand::u64(..));
    let coupon = Coupon::new(code, discount, quota, in_days(1), Time::now());
    store().offer(&coupon, Time::now()).await.unwrap();
    coupon
}

#[test]
fn a_coupon_goes_to_as_many_as_may_have_it_and_stays_theirs_when_it_is_withdrawn() {
    stack::run(async {
        let world = World::new().await;
        let World { fan, stranger, artist, .. } = &world;
        let manage = async |order: Value| {
            let managed = invoke_with("manage_coupons", order.clone()).await;
            assert!(managed["coupons"].is_array(), "{order}: {managed}");
            managed
        };
        let new = json!({ "discount": 3_000, "quota": 1, "expiresOn": in_days(2) });
        let coupon = manage(json!({ "create": new })).await["coupons"][0].clone();
        let (id, code) = (coupon["id"].clone(), coupon["code"].clone());
        let by_id = format!("/v1/coupons/{}/claims", id.as_str().unwrap());
        let claim = |by: &Member| world.post(&by_id, by);
        let claim_by_code =
            |by: &Member| world.post("/v1/coupons/claims", by).json(&json!({ "code": code }));
        let is_on_offer = async || {
            let mut page = world.done(world.request(Method::GET, "/v1/coupons")).await;
            loop {
                if page["items"].as_array().unwrap().iter().any(|it| it["id"] == id) {
                    return true;
                }
                let Some(next) = page["nextCursor"].as_str() else { return false };
                let next = world.request(Method::GET, "/v1/coupons").query(&[("cursor", next)]);
                page = world.done(next).await;
            }
        };
        assert!(is_on_offer().await);

        let claimed = world.done(claim(fan)).await;
        assert_eq!((&claimed["status"], &claimed["discount"]), (&json!("USABLE"), &json!(3_000)));
        assert_eq!(world.done(claim(fan)).await, claimed, "with another key");
        assert_eq!(world.done(claim_by_code(fan)).await, claimed, "by its code");
        assert_eq!(world.refused(claim(stranger)).await, (400, "COUPON_GONE".into()));
        assert!(!is_on_offer().await);

        manage(json!({ "change": { "id": id, "quota": 2, "expiresOn": in_days(9) } })).await;
        let later = world.done(claim_by_code(stranger)).await;
        assert_eq!(later["expiresOn"], json!(in_days(9)));
        manage(json!({ "withdraw": { "id": id } })).await;
        for refused in [claim(artist), claim_by_code(artist)] {
            assert_eq!(world.refused(refused).await, (404, "COUPON_NOT_FOUND".into()));
        }
        assert_eq!(world.get("/v1/me/coupons", fan).await["items"], json!([claimed]));
        let handed = world.get("/v1/me/export", fan).await;
        assert_eq!(handed["coupons"][0]["id"], claimed["id"]);

        let rows = manage(json!({ "list": {} })).await["coupons"].clone();
        let row = rows.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone();
        assert_eq!((&row["claimed"], &row["quota"]), (&json!(2), &json!(2)));
    });
}

/// A fan who wants a coupon.
struct Wish {
    fan: Claims,
    coupon: Coupon,
}

impl Wish {
    fn claim(&self, key: &str) -> Value {
        let path = format!("/v1/coupons/{}/claims", self.coupon.id);
        let headers = json!({ "accept": "application/json", "idempotency-key": key });
        let mut request = gateway::request("POST", &path, headers);
        request["pathParameters"] = json!({ "couponId": self.coupon.id });
        signed(request, &token(&self.fan, Time::now()))
    }
}

#[test]
fn a_claim_that_dies_is_made_once_when_it_is_asked_for_again() {
    stack::run(async {
        let _world = World::new().await;
        let prepare = async || Wish {
            fan: stack::sign_in(&store(), Role::User, Time::now()).await,
            coupon: offered(5).await,
        };
        let event = |wish: &Wish| wish.claim("key");
        let asks_again = async |wish: &Wish| {
            for key in ["key", "other"] {
                again("claim_coupon", &wish.claim(key)).await;
            }
        };
        let check = async |wish: &Wish, point: Option<&Point>| {
            let claims = store().claims_of(wish.fan.member_id, 10, None).await.unwrap().items;
            let counted = store().claims_on(&wish.coupon).await.unwrap();
            assert_eq!((claims.len(), counted), (1, 1), "after {point:?}");
        };
        let calls = killed("claim_coupon", &event, prepare, asks_again, check).await;
        assert_eq!(calls, "BatchGetItem UpdateItem PutItem TransactWriteItems");
    });
}
