//! Where seats are taken from, and what is said when there are none.

use std::time::Duration;

use domain::{fault::Fault, payment::State};
use store::{
    Write,
    sales::{
        sold_out::{self, SoldOut, SoldOutKey},
        stock::StockKey,
    },
};

use super::shop::{HOLD, Shop};
use crate::Tickets;

impl Shop {
    async fn mark(&self) -> SoldOut {
        self.store.get(&SoldOutKey(self.event.id)).await.unwrap().unwrap_or_default()
    }
}

#[test]
fn seats_are_found_in_whatever_shard_has_some() {
    stack::run(async {
        let shop = Shop::open(1_500).await;
        assert_eq!(shop.shards().await.len(), 3);
        shop.set_free(0, 0).await;
        shop.set_free(1, 0).await;
        shop.set_free(2, 4).await;
        for _ in 0..4 {
            shop.buy(shop.fan().await, 1, "key").await.unwrap();
        }
        assert_eq!(shop.buy(shop.fan().await, 1, "key").await.unwrap_err().code(), "SOLD_OUT");
    });
}

#[test]
fn seats_are_put_together_from_several_shards_in_one_transaction() {
    stack::run(async {
        let shop = Shop::open(1_500).await;
        for (number, free) in [(0, 1), (1, 2), (2, 1)] {
            shop.set_free(number, free).await;
        }
        let fan = shop.fan().await;
        let held = shop.buy(fan, 4, "key").await.unwrap();
        assert_eq!(shop.stock().await, [0, 4, 0]);
        assert_eq!(shop.payment(&held).await.booking().unwrap().seats.len(), 3);
        shop.agree(&held).await;
        assert_eq!((shop.stock().await, shop.tickets(fan).await.len()), ([0, 0, 4], 4));
    });
}

#[test]
fn too_few_seats_for_one_do_not_make_it_sold_out_for_another() {
    stack::run(async {
        let shop = Shop::open(3).await;
        let refused = shop.buy(shop.fan().await, 4, "key").await.unwrap_err();
        assert_eq!(refused.code(), "NOT_ENOUGH_SEATS");
        assert_eq!(refused.to_string(), "only 3 seats are left");
        assert_eq!(shop.mark().await.sold_out_at, None);
        shop.buy(shop.fan().await, 3, "key").await.unwrap();
    });
}

#[test]
fn the_sold_out_mark_spares_the_shards_for_five_seconds() {
    stack::run(async {
        let shop = Shop::open(1).await;
        let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        assert_eq!(shop.buy(shop.fan().await, 1, "key").await.unwrap_err().code(), "SOLD_OUT");
        assert_eq!(shop.mark().await.sold_out_at, Some(shop.now));

        // A seat appears in a way that does not clear the mark: the mark alone is believed, but not for long.
        shop.set_free(0, 1).await;
        let believed = shop.after(Duration::from_millis(4_999));
        assert_eq!(believed.buy(shop.fan().await, 1, "key").await.unwrap_err().code(), "SOLD_OUT");
        shop.after(Duration::from_secs(5)).buy(shop.fan().await, 1, "key").await.unwrap();
        assert_eq!(shop.payment(&held).await.booking().unwrap().seats.len(), 1);
    });
}

#[test]
fn a_seat_that_comes_back_is_sold_at_once_though_the_event_was_marked() {
    stack::run(async {
        let shop = Shop::open(1).await;
        let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        let end = shop.after(HOLD);
        let (late, next) = (shop.fan().await, shop.fan().await);
        assert_eq!(end.buy(late, 1, "key").await.unwrap_err().code(), "SOLD_OUT");
        end.expire(&held).await;
        end.buy(next, 1, "key").await.unwrap();
    });
}

#[test]
fn a_mark_is_not_set_when_a_seat_came_back_after_the_shards_were_read() {
    stack::run(async {
        let shop = Shop::open(1).await;
        let seen = shop.mark().await;
        let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        shop.after(HOLD).expire(&held).await;
        assert!(
            shop.store
                .write(sold_out::mark(shop.event.id, seen, false, shop.now), ())
                .await
                .is_err()
        );
        assert_eq!(shop.mark().await, SoldOut { epoch: 1, ..Default::default() });
    });
}

#[test]
fn nobody_buys_on_terms_that_have_changed() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let shard = StockKey { event_id: shop.event.id, number: 0 };
        let dearer = Write::update(&shard).set("termsVersion", 2).set("price", 50_000);
        shop.store.write(dearer, ()).await.unwrap();
        assert_eq!(shop.buy(shop.fan().await, 1, "key").await.unwrap_err().code(), "TERMS_CHANGED");
        assert_eq!(shop.stock().await, [5, 0, 0]);
    });
}

#[test]
fn nobody_buys_outside_the_sale() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        let sale_starts = shop.event.schedule.sale_starts_at();
        let before = Shop { now: sale_starts.minus(Duration::from_millis(1)), ..shop.clone() };
        assert_eq!(before.buy(fan, 1, "before").await.unwrap_err().code(), "SALE_NOT_STARTED");
        let sale_ends = shop.event.schedule.sale_ends_at();
        let ended = Shop { now: sale_ends, ..shop.clone() };
        let awake = ended.fan().await;
        assert_eq!(ended.buy(awake, 1, "after").await.unwrap_err().code(), "SALE_ENDED");
    });
}

#[test]
fn who_names_the_terms_that_they_were_shown_buys_on_no_others() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        let on = |terms: i64| Tickets {
            terms_version: Some(terms.try_into().unwrap()),
            ..shop.so_many(1)
        };
        let refused = shop.order(fan, on(2), "shown").await.unwrap_err();
        assert_eq!(refused.code(), "TERMS_CHANGED");
        assert_eq!(shop.order(fan, on(1), "shown").await.unwrap().state, State::Ready);
    });
}
