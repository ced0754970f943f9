//! What a newer program wrote: a release goes out in steps and may be rolled back, and the items stay.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    fault::Fault,
    payment::{State, Step},
};
use serde::Serialize;
use serde_json::json;
use store::{
    Key, Store, Write,
    catalog::on_sale::OnSaleKey,
    sales::{
        by_event::SHARDS,
        due::{self, Due},
        payment::PaymentKey,
        stock::StockKey,
    },
};

use super::{
    kakaopay::Trouble::LostBefore,
    shop::{HOLD, PRICE, Shop},
};
use crate::{Held, call_off, give_up, overdue, reconcile::LONGEST_WAIT};

impl Shop {
    /// A payment as it stands in the table.
    async fn raw(&self, held: &Held) -> HashMap<String, AttributeValue> {
        let (pk, sk) = PaymentKey(held.payment_id).pair();
        let get = stack::dynamo().get_item().table_name(format!("{}-sales", stack::prefix()));
        let get = get.key("pk", AttributeValue::S(pk)).key("sk", AttributeValue::S(sk));
        get.consistent_read(true).send().await.unwrap().item.unwrap()
    }

    async fn set(&self, key: &impl Key, attribute: &str, value: impl Serialize) {
        self.store.write(Write::update(key).set(attribute, value), ()).await.unwrap();
    }
}

#[test]
fn a_payment_goes_on_and_keeps_the_values_that_only_a_newer_program_knows() {
    stack::run(async {
        let shop = Shop::open(2).await;
        let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        let key = PaymentKey(held.payment_id);
        let mut history = json!(shop.payment(&held).await.history);
        history.as_array_mut().unwrap().push(json!({ "step": "REMIND", "at": 5, "by": "mail" }));
        shop.set(&key, "history", &history).await;
        shop.set(&key, "refundPolicy", "HALF").await;
        let before = shop.raw(&held).await;

        let payment = shop.agree(&held).await;

        assert_eq!((payment.state, payment.history[2].step), (State::Approved, Step::Unknown));
        let after = shop.raw(&held).await;
        assert_eq!(after["refundPolicy"], before["refundPolicy"]);
        let [before, after] = [&before, &after].map(|raw| raw["history"].as_l().unwrap());
        assert_eq!((&after[..3], after.len()), (&before[..], 5));
    });
}

#[test]
fn what_only_a_newer_program_knows_how_to_move_is_left_alone() {
    stack::run(async {
        for (attribute, value) in [("state", "DISPUTED"), ("purpose", "CHARITY")] {
            for approving in [false, true] {
                let shop = Shop::open(5).await;
                let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
                if approving {
                    shop.kakaopay.trouble("approve", &[LostBefore]);
                    shop.kakaopay.trouble("order", &[LostBefore; 2]);
                    assert_eq!(shop.agree(&held).await.state, State::Approving);
                }
                shop.set(&PaymentKey(held.payment_id), attribute, value).await;
                let (before, token) =
                    (shop.raw(&held).await, shop.payment(&held).await.return_token.0);
                let order = shop.kakaopay.order(&held.order.as_ref().unwrap().tid);

                for shop in [&shop, &shop.after(HOLD * 4)] {
                    let (store, id, now) = (&shop.store, held.payment_id, shop.now);
                    assert_eq!(shop.expire(&held).await, State::Unknown);
                    assert_eq!(shop.come_back(&held).await.state, State::Unknown);
                    assert_eq!(shop.reconcile(&held).await.state, State::Unknown);
                    let called_off = call_off(store, id, &token, now).await.unwrap();
                    assert_eq!(called_off.state, State::Unknown);
                    assert_eq!(shop.comes_back_unpaid(&held).await.state, State::Unknown);
                    let given_up = give_up(store, id, called_off.member_id, now).await;
                    assert_eq!(given_up.unwrap_err().code(), "ALREADY_PAID");
                }

                assert_eq!(shop.raw(&held).await, before, "{attribute}");
                assert_eq!(shop.stock().await, [4, 1, 0], "{attribute}");
                let asked = shop.kakaopay.order(&held.order.as_ref().unwrap().tid);
                assert_eq!((asked.asked, asked.approvals), (order.asked, order.approvals));
            }
        }
    });
}

#[test]
fn what_only_a_newer_program_knows_how_to_move_is_not_swept_and_stands_before_no_other() {
    stack::run(async {
        // The index of what is due is not to be shared with other tests.
        let store = Store::new(stack::dynamo(), &stack::own_tables().await);
        let shop = Shop::within(store, 5, PRICE).await;
        let fan = shop.fan().await;
        for (attribute, value) in [("state", "DISPUTED"), ("purpose", "CHARITY")] {
            let held = shop.buy(fan, 1, attribute).await.unwrap();
            let key = PaymentKey(held.payment_id);
            shop.set(&key, attribute, value).await;
            let mut expected = shop.payment(&held).await;
            let later = shop.now.plus(HOLD * 2);
            for shard in 0..due::SHARDS {
                let swept = overdue(&shop.store, Due::Hold, shard, 100, later).await.unwrap();
                assert_eq!(swept, [], "{attribute}");
            }
            expected.due_at = Some(later.plus(LONGEST_WAIT));
            assert_eq!(shop.payment(&held).await, expected, "{attribute}");
        }
    });
}

#[test]
fn the_same_key_waits_while_a_newer_program_is_at_its_payment() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        shop.kakaopay.trouble("ready", &[LostBefore; 2]);
        shop.buy(fan, 1, "key").await.unwrap_err();
        let payment = shop.store.payments_of(fan.member_id, 1, None).await.unwrap().items.remove(0);
        shop.set(&PaymentKey(payment.id), "state", "SCREENED").await;
        let later = shop.after(Duration::from_secs(31));
        assert_eq!(later.buy(fan, 1, "key").await.unwrap_err().code(), "IDEMPOTENCY_IN_PROGRESS");
    });
}

#[test]
fn what_an_event_sold_is_listed_without_what_can_not_be_read() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        let [unreadable, good] =
            [shop.buy(fan, 1, "a").await, shop.buy(fan, 1, "b").await].map(Result::unwrap);
        shop.set(&PaymentKey(unreadable.payment_id), "quantity", "many").await;
        let mut listed = Vec::new();
        for shard in 0..SHARDS {
            let page = shop.store.payments_of_event(shop.event.id, shard, 100, None).await.unwrap();
            listed.extend(page.items.iter().map(|payment| payment.id));
        }
        assert_eq!(listed, [good.payment_id]);
    });
}

#[test]
fn nothing_is_sold_on_terms_that_only_a_newer_program_knows() {
    stack::run(async {
        for (attribute, value) in [("state", "POSTPONED"), ("refundPolicy", "HALF")] {
            let shop = Shop::open(5).await;
            shop.set(&OnSaleKey(shop.event.id), attribute, value).await;
            let refused = shop.buy(shop.fan().await, 1, "key").await.unwrap_err();
            assert_eq!(refused.code(), "SALE_CLOSED", "{attribute}");
            assert_eq!(shop.stock().await, [5, 0, 0]);
        }
        let shop = Shop::open(5).await;
        shop.set(&StockKey { event_id: shop.event.id, number: 0 }, "state", "POSTPONED").await;
        let refused = shop.buy(shop.fan().await, 1, "key").await.unwrap_err();
        assert_eq!((refused.code().name, shop.stock().await), ("TERMS_CHANGED", [5, 0, 0]));
    });
}
