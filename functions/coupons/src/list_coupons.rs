//! `GET /v1/coupons`: the coupons that can be claimed now.

use api::{Answer, Anyone, Call, Cursors, List, Paging, Problem, Query};
use store::Store;

use crate::view::CouponView;

/// Lists the coupons that can be claimed
///
/// The first to expire first. A page may be shorter than asked for: a coupon of which none is left is not shown. All of it may be
/// a second old.
#[utoipa::path(get, path = "/v1/coupons", params(Paging),
    responses((status = 200, description = "A page of coupons", body = List<CouponView>)),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<Anyone, Query<Paging>>,
) -> Result<Answer<List<CouponView>>, Problem> {
    let Call { input: Query(paging), context, .. } = call;
    let query = |limit, start| store.coupons_on_offer(context.now, limit, start);
    Ok(cursors.list("list_coupons", paging, query, CouponView::from).await?.public())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::time::Time;
    use serde_json::json;

    use super::*;
    use crate::testing::{claim, coupons, fan, offer, offered, paging, store};

    #[test]
    fn everybody_sees_what_can_be_claimed_and_no_code() {
        stack::run(async {
            let now = Time::now();
            let [coupon, last] = [offered(5, now).await, offered(1, now).await];
            let mine = async || {
                let page = coupons(store(), paging(100, None), now).await.1;
                let shown = page["items"].as_array().unwrap().clone();
                // Other tests have theirs.
                let ids = [json!(coupon.id), json!(last.id)];
                shown.into_iter().filter(|it| ids.contains(&it["id"])).collect::<Vec<_>>()
            };
            let shown = |id| json!({ "id": id, "discount": 5_000, "expiresOn": coupon.expires_on });
            assert_eq!(mine().await, [shown(coupon.id), shown(last.id)]);
            assert_eq!(claim(store(), &fan().await, &last, "key", now).await.0, 201);
            assert_eq!(mine().await.len(), 2, "nobody has seen yet that it was the last one");
            assert_eq!(claim(store(), &fan().await, &last, "key", now).await.0, 400);
            assert_eq!(mine().await, [shown(coupon.id)]);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let prefix = stack::own_tables().await;
            let now = Time::now();
            // What has expired is not even read.
            for offered_at in [now, now, now.minus(Duration::from_hours(48))] {
                offer(&Store::new(stack::dynamo(), &prefix), 5, offered_at).await;
            }
            let (client, meter) = stack::metered();
            let page = coupons(Store::new(client, &prefix), Paging::default(), now).await.1;
            assert_eq!(page["items"].as_array().unwrap().len(), 2);
            stack::assert_operation("list_coupons", &meter.take());
        });
    }
}
