//! What this part's tests share.

use std::time::Duration;

use api::{
    Anyone, Body, Call, Context, Cursors, FieldFaults, Paging, Path, Problem, Query, Response,
};
use aws::Secret;
use domain::{coupon::CouponCode, id::MemberId, member::Role, time::Time, who::Claims};
use http::HeaderMap;
use serde_json::{Value, json};
use store::{Store, identity::session::SignedIn, sales::coupon::Coupon};

use crate::{
    claim_coupon::{self, CouponPath},
    claim_coupon_by_code, list_coupons, list_my_coupons,
};

pub fn store() -> Store {
    Store::new(stack::dynamo(), stack::prefix())
}

/// Cursors with a key of this process.
pub async fn cursors() -> Cursors {
    let (aws, id) = stack::cursor_secret().await;
    Cursors::new(Secret::new(&aws, &id))
}

pub async fn fan() -> Claims {
    fan_at(Time::now()).await
}

/// Somebody who signs in then.
pub async fn fan_at(now: Time) -> Claims {
    stack::sign_in(&store(), Role::User, now).await
}

/// A coupon of 5,000 won that can be claimed to the end of tomorrow.
pub async fn offered(quota: i64, now: Time) -> Coupon {
    offer(&store(), quota, now).await
}

/// The same in tables of one test alone.
pub async fn offer(store: &Store, quota: i64, now: Time) -> Coupon {
    let tomorrow = now.plus(Duration::from_hours(24)).korean_day();
    let (discount, quota) = (5_000.try_into().unwrap(), quota.try_into().unwrap());
    let coupon = Coupon::new(CouponCode::of(fastrand::u64(..)), discount, quota, tomorrow, now);
    store.offer(&coupon, now).await.unwrap();
    coupon
}

/// What a caller sees: the status, the body, the headers.
pub type Seen = (u16, Value, HeaderMap);

fn seen<T>(answer: Result<T, Problem>) -> Seen
where
    Response: From<T>,
{
    let refuse = |problem: Problem| problem.into_response(&Context::at(Time::from_millis(0)));
    let (head, body) = answer.map_or_else(refuse, Response::from).into_parts();
    (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default(), head.headers)
}

fn by<I>(who: &Claims, input: I, context: Context) -> Call<SignedIn, I> {
    Call { who: stack::caller(who), input, context }
}

fn keyed(key: &str, fingerprint: String, now: Time) -> Context {
    let mut context = Context { fingerprint, ..Context::at(now) };
    context.headers.insert("Idempotency-Key", key.parse().unwrap());
    context
}

/// What a request for a coupon stands for.
pub fn fingerprint(coupon: &Coupon) -> String {
    format!("POST {}", coupon.id)
}

pub async fn claim(store: Store, who: &Claims, coupon: &Coupon, key: &str, now: Time) -> Seen {
    claim_from(&store, who, coupon, key, &who.member_id.to_string(), now).await
}

/// A claim from an address.
pub async fn claim_from(
    store: &Store,
    who: &Claims,
    coupon: &Coupon,
    key: &str,
    address: &str,
    now: Time,
) -> Seen {
    let context = Context { address: address.into(), ..keyed(key, fingerprint(coupon), now) };
    let path = Path(CouponPath { coupon_id: coupon.id });
    seen(claim_coupon::handle(store.clone(), by(who, path, context)).await)
}

pub async fn claim_by_code(store: Store, who: &Claims, code: &str, key: &str, now: Time) -> Seen {
    let context = keyed(key, code.to_owned(), now);
    let context = Context { address: who.member_id.to_string(), ..context };
    let body = deserr::deserialize::<_, _, FieldFaults>(json!({ "code": code })).unwrap();
    seen(claim_coupon_by_code::handle(store, by(who, Body(body), context)).await)
}

/// Asks for pages of so many, from a cursor on.
pub fn paging(limit: u8, cursor: Option<&str>) -> Paging {
    let mut paging = json!({ "limit": limit.to_string() });
    if let Some(cursor) = cursor {
        paging["cursor"] = cursor.into();
    }
    deserr::deserialize::<_, _, FieldFaults>(paging).unwrap()
}

pub async fn coupons(store: Store, paging: Paging, now: Time) -> Seen {
    let call = Call { who: Anyone, input: Query(paging), context: Context::at(now) };
    seen(list_coupons::handle((store, cursors().await), call).await)
}

pub async fn my_coupons(store: Store, who: &Claims, paging: Paging, now: Time) -> Seen {
    let call = by(who, Query(paging), Context::at(now));
    seen(list_my_coupons::handle((store, cursors().await), call).await)
}

/// How many claims a member has.
pub async fn claims(member_id: MemberId) -> usize {
    store().claims_of(member_id, 100, None).await.unwrap().items.len()
}
