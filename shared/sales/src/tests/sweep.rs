//! What the sweeper sends, and how often.

use std::time::Duration;

use domain::{
    fault::{Fault as _, Kind},
    id::PaymentId,
    payment::State,
};
use stack::{assert_operation, metered};
use store::{
    Store, Write,
    sales::{
        due::{Due, SHARDS},
        payment::PaymentKey,
        stock::Seats,
    },
};

use super::{
    shop::{HOLD, PRICE, Shop},
    trouble::{MINUTE, calls},
};
use crate::Held;

impl Shop {
    /// Three payments of one shard of the index, the longest waiting first, and that shard.
    async fn neighbours(&self) -> ([Held; 3], u8) {
        let mut shop = self.clone();
        let mut shards = vec![Vec::new(); usize::from(SHARDS)];
        loop {
            shop = shop.after(Duration::from_secs(1));
            let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
            for shard in 0..SHARDS {
                let due = shop.store.due(Due::Hold, shard, held.hold_ends_at, 100).await.unwrap();
                if due.contains(&held.payment_id) {
                    shards[usize::from(shard)].push(held.clone());
                    if let [first, second, third] = &shards[usize::from(shard)][..] {
                        return ([first.clone(), second.clone(), third.clone()], shard);
                    }
                }
            }
        }
    }

    async fn swept(&self, shard: u8, limit: u32) -> Vec<PaymentId> {
        crate::overdue(&self.store, Due::Hold, shard, limit, self.now).await.unwrap()
    }
}

#[test]
fn a_hold_that_cannot_be_ended_stands_before_no_other_comes_ever_more_rarely_and_calls_a_person() {
    stack::run(async {
        let (client, meter) = metered();
        // The index of what is due is not to be shared with other tests.
        let store = Store::new(client, &stack::own_tables().await);
        let shop = Shop::within(store, 50, PRICE).await;
        let ([hopeless, other, unreadable], shard) = shop.neighbours().await;
        let key = PaymentKey(hopeless.payment_id);
        let nowhere = vec![Seats { number: 9, count: 1 }];
        shop.store.write(Write::update(&key).set("seats", nowhere), ()).await.unwrap();

        let mut end = shop.after(HOLD + MINUTE);
        meter.take();
        assert_eq!(end.swept(shard, 1).await, [hopeless.payment_id]);
        assert_operation("sweep of an overdue hold", &meter.take());
        let fault = crate::expire(&end.store, hopeless.payment_id, end.now).await.unwrap_err();
        assert_eq!(fault.code().kind, Kind::Internal);

        assert_eq!(end.swept(shard, 1).await, [other.payment_id], "the one that waited behind it");
        assert_eq!(end.expire(&other).await, State::Expired);

        let key = PaymentKey(unreadable.payment_id);
        shop.store.write(Write::update(&key).set("quantity", "many"), ()).await.unwrap();
        assert_eq!(calls(end.swept(shard, 1)).await, (vec![], vec!["UNREADABLE".to_owned()]));
        shop.store.write(Write::delete(&key), ()).await.unwrap();
        assert_eq!(end.swept(shard, 1).await, [], "each once");

        let (mut waits, mut called) = (Vec::new(), Vec::new());
        while called.is_empty() {
            let due = end.payment(&hopeless).await.due_at.unwrap();
            waits.push(end.now.until(due).as_secs() / 60);
            let early = Shop { now: due.plus(Duration::from_secs(29)), ..end.clone() };
            assert_eq!(early.swept(shard, 1).await, []);
            end = Shop { now: due.plus(Duration::from_secs(30)), ..end };
            let (sent, reasons) = calls(end.swept(shard, 1)).await;
            assert_eq!(sent, [hopeless.payment_id]);
            called = reasons;
        }
        assert_eq!((waits, called), (vec![1, 2, 4, 8, 16, 32], vec!["UNSETTLED".to_owned()]));

        // The defect is mended.
        let key = PaymentKey(hopeless.payment_id);
        let seats = vec![Seats { number: 0, count: 1 }];
        shop.store.write(Write::update(&key).set("seats", seats), ()).await.unwrap();
        assert_eq!(end.expire(&hopeless).await, State::Expired);
    });
}

#[test]
fn the_database_s_trouble_ends_a_sweep_and_calls_nobody() {
    stack::run(async {
        let tables = stack::own_tables().await;
        let shop = Shop::within(Store::new(stack::dynamo(), &tables), 50, PRICE).await;
        let ([first, ..], shard) = shop.neighbours().await;
        let before = shop.payment(&first).await;
        // All of what the SDK tries.
        let down = Store::new(stack::losing("GetItem", 100), &tables);
        let later = shop.now.plus(HOLD * 2);
        let (swept, called) = calls(crate::overdue(&down, Due::Hold, shard, 1, later)).await;
        assert_eq!(swept.unwrap_err().code().kind, Kind::Unavailable);
        assert_eq!((called, shop.payment(&first).await), (vec![], before));
    });
}
