//! `GET /v1/me/coupons`: what the caller has claimed.

use api::{Answer, Call, Cursors, List, Paging, Problem, Query};
use store::{Store, identity::session::SignedIn};

use crate::view::ClaimView;

/// Lists one's own coupons
///
/// The latest claimed first, those that were spent or have expired too.
#[utoipa::path(get, path = "/v1/me/coupons", params(Paging),
    responses((status = 200, description = "A page of coupons", body = List<ClaimView>)),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<SignedIn, Query<Paging>>,
) -> Result<Answer<List<ClaimView>>, Problem> {
    let Call { who, input: Query(paging), context } = call;
    let now = context.now;
    let member = store.session(&who, now).await?.member.id;
    let scope = format!("list_my_coupons {member}");
    let query = |limit, start| store.claims_of(member, limit, start);
    cursors.list(&scope, paging, query, |claim| ClaimView::of(&claim, now)).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{id::PaymentId, time::Time};
    use serde_json::{Value, json};
    use store::{Write, sales::claim::ClaimKey};

    use super::*;
    use crate::testing::{claim, fan, fan_at, my_coupons, offered, paging, store};

    #[test]
    fn the_latest_claimed_is_first_on_every_page_each_as_it_stands() {
        stack::run(async {
            let now = Time::now();
            // Still signed in when all has expired.
            let fan = fan_at(now.plus(Duration::from_hours(24))).await;
            let (mut coupons, mut ids) = (Vec::new(), Vec::new());
            for number in 0..4 {
                let coupon = offered(5, now).await;
                let made = claim(store(), &fan, &coupon, &format!("key-{number}"), now).await.1;
                ids.push(made["id"].as_str().unwrap().parse().unwrap());
                coupons.push(coupon);
            }
            let payment = PaymentId::generate();
            for (place, is_spent) in [(1, false), (2, true)] {
                let key = ClaimKey { member_id: fan.member_id, id: ids[place] };
                store().write(key.hold(payment, now), ()).await.unwrap();
                if is_spent {
                    store().write(key.spend(payment), ()).await.unwrap();
                }
            }
            let seen = async |at| {
                let (mut seen, mut cursor) = (Vec::new(), None);
                loop {
                    let page = my_coupons(store(), &fan, paging(3, cursor.as_deref()), at).await.1;
                    seen.extend(page["items"].as_array().unwrap().clone());
                    let Some(next) = page["nextCursor"].as_str() else { return seen };
                    cursor = Some(next.to_owned());
                }
            };
            let expected = |statuses: [&str; 4]| -> Vec<Value> {
                let claimed = (0..4).rev().zip(statuses).map(|(place, status)| {
                    json!({
                        "id": ids[place], "couponId": coupons[place].id, "discount": 5_000,
                        "expiresOn": coupons[place].expires_on, "status": status,
                    })
                });
                claimed.collect()
            };
            assert_eq!(seen(now).await, expected(["USABLE", "USED", "HELD", "USABLE"]));
            let end = coupons[0].expires_on.end();
            assert_eq!(seen(end).await, expected(["EXPIRED", "USED", "HELD", "EXPIRED"]));
        });
    }

    #[test]
    fn a_state_that_only_a_newer_program_knows_is_shown_as_such_and_held_by_nobody() {
        stack::run(async {
            let (fan, now) = (fan().await, Time::now());
            let made = claim(store(), &fan, &offered(5, now).await, "key", now).await.1;
            let id = made["id"].as_str().unwrap().parse().unwrap();
            let key = ClaimKey { member_id: fan.member_id, id };
            store().write(Write::update(&key).set("state", "LENT"), ()).await.unwrap();
            let page = my_coupons(store(), &fan, Paging::default(), now).await.1;
            assert_eq!(page["items"][0]["status"], "UNKNOWN");
            assert!(store().write(key.hold(PaymentId::generate(), now), ()).await.is_err());
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (fan, now) = (fan().await, Time::now());
            for key in ["one", "two"] {
                assert_eq!(claim(store(), &fan, &offered(5, now).await, key, now).await.0, 201);
            }
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            let page = my_coupons(store, &fan, Paging::default(), now).await.1;
            assert_eq!(page["items"].as_array().unwrap().len(), 2);
            stack::assert_operation("list_my_coupons", &meter.take());
        });
    }
}
