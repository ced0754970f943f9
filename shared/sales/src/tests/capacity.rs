//! What each use case costs, against `infra/data-model.md`.

use std::collections::BTreeSet;

use domain::{
    payment::{ORDER_CLOSED_AFTER, State},
    refund::Cause,
};
use stack::{Meter, assert_operation, metered};
use store::{
    Write,
    catalog::event::EventKey,
    sales::{by_event, points::BalanceKey},
};

use super::{
    kakaopay::Trouble::{LostBefore, Refused},
    shop::{Fan, HOLD, PRICE, Shop},
};
use crate::{Asked, Held, refund};

fn check(operation: &str, meter: &Meter) {
    assert_operation(operation, &meter.take());
}

/// Nobody who buys pays for reading the event's content, so it is as long as it can be.
async fn counted(capacity: i64, price: i64) -> (Shop, Meter) {
    let (client, meter) = metered();
    let shop = Shop::with(client, capacity, price).await;
    let longest = Write::update(&EventKey(shop.event.id)).set("content", "가".repeat(5_000));
    shop.store.write(longest, ()).await.unwrap();
    (shop, meter)
}

/// A shop, a fan who holds one of its 50 seats, and nothing counted yet.
async fn waiting() -> (Shop, Meter, Fan, Held) {
    let (shop, meter) = counted(50, PRICE).await;
    let fan = shop.fan().await;
    let held = shop.buy(fan, 1, "key").await.unwrap();
    meter.take();
    (shop, meter, fan, held)
}

#[test]
fn a_hold_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter) = counted(50, PRICE).await;
        let fan = shop.fan().await;
        meter.take();
        shop.buy(fan, 1, "key").await.unwrap();
        check("hold", &meter);
        shop.buy(fan, 1, "key").await.unwrap();
        check("hold again with the same key", &meter);
    });
}

#[test]
fn a_free_hold_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter) = counted(50, 0).await;
        let fan = shop.fan().await;
        meter.take();
        shop.buy(fan, 1, "key").await.unwrap();
        check("hold of zero won", &meter);
    });
}

#[test]
fn a_refusal_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter, _, _) = waiting().await;
        shop.set_free(0, 0).await;
        let (first, second) = (shop.fan().await, shop.fan().await);
        meter.take();
        shop.buy(first, 1, "key").await.unwrap_err();
        check("hold refused, not marked yet", &meter);
        shop.buy(second, 1, "key").await.unwrap_err();
        check("hold refused by the mark", &meter);
    });
}

#[test]
fn a_limit_that_is_filled_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter) = counted(50, PRICE).await;
        let fan = shop.fan().await;
        shop.buy(fan, 4, "key").await.unwrap();
        meter.take();
        shop.buy(fan, 1, "more").await.unwrap_err();
        check("hold beyond the limit", &meter);
        shop.after(HOLD).buy(fan, 1, "after").await.unwrap();
        check("hold in the place of one that is past", &meter);
    });
}

#[test]
fn a_coupon_and_points_cost_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter) = counted(50, PRICE).await;
        let fan = shop.fan().await;
        let coupon = shop.claims(fan, 9).await;
        shop.tops_up(fan, 2_000).await;
        let buy = async |key| shop.buy_with(fan, 1, key, Some(coupon), 1_000).await.unwrap();
        meter.take();
        let held = buy("key").await;
        check("hold with a coupon and points", &meter);
        shop.after(HOLD).expire(&held).await;
        check("expire with a coupon and points", &meter);
        let held = buy("again").await;
        shop.kakaopay.payer(&held.order.as_ref().unwrap().tid, "AUTH_PASSWORD");
        let payment = shop.payment(&held).await;
        meter.take();
        let (store, kakaopay, token) = (&shop.store, &shop.kakaopay.client, &payment.return_token);
        let payment =
            crate::approve(store, kakaopay, payment.id, &token.0, "pg-token", shop.now).await;
        check("approve with a coupon and points", &meter);
        let payment = payment.unwrap();
        let balance = shop.balance(fan.member_id).await;
        let asked = Asked {
            ticket_ids: payment.ticket_ids().to_vec(),
            cause: Cause::BuyerAsked,
            total: None,
        };
        meter.take();
        refund(store, kakaopay, payment, balance, &asked, None, shop.now).await.unwrap();
        check("refund with a coupon and points", &meter);
    });
}

#[test]
fn giving_up_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter, fan, held) = waiting().await;
        let buyer = stack::caller(&fan.claims());
        for operation in ["give_up_payment", "give_up_payment again"] {
            let buyer = shop.store.session(&buyer, shop.now).await.unwrap().member.id;
            crate::give_up(&shop.store, held.payment_id, buyer, shop.now).await.unwrap();
            check(operation, &meter);
        }
    });
}

#[test]
fn coming_back_unpaid_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter, _, held) = waiting().await;
        let token = shop.payment(&held).await.return_token.0;
        let tid = &held.order.as_ref().unwrap().tid;
        for (operation, status) in [
            ("cancel_payment, not over", "OPEN_PAYMENT"),
            ("cancel_payment", "QUIT_PAYMENT"),
            ("cancel_payment again", "QUIT_PAYMENT"),
        ] {
            shop.kakaopay.payer(tid, status);
            meter.take();
            let (store, kakaopay) = (&shop.store, &shop.kakaopay.client);
            crate::come_back_unpaid(store, kakaopay, held.payment_id, &token, shop.now)
                .await
                .unwrap();
            check(operation, &meter);
        }
    });
}

#[test]
fn an_approval_costs_what_the_data_model_says() {
    approval(0, &["approve", "approve again"]);
}

#[test]
fn an_earning_of_who_owes_points_costs_what_the_data_model_says() {
    approval(100, &["approve of who owes points"]);
}

/// The buyer, who owes so many points, comes back to be charged, once for each operation.
fn approval(debt: u64, operations: &[&str]) {
    stack::run(async {
        let (shop, meter, fan, held) = waiting().await;
        if debt > 0 {
            let owes = Write::update(&BalanceKey(fan.member_id)).set("debt", debt);
            shop.store.write(owes, ()).await.unwrap();
        }
        let token = shop.payment(&held).await.return_token.0;
        shop.kakaopay.payer(&held.order.as_ref().unwrap().tid, "AUTH_PASSWORD");
        meter.take();
        let kakaopay = &shop.kakaopay.client;
        for operation in operations {
            crate::approve(&shop.store, kakaopay, held.payment_id, &token, "pg", shop.now)
                .await
                .unwrap();
            check(operation, &meter);
        }
    });
}

#[test]
fn a_refused_approval_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter, _, held) = waiting().await;
        let token = shop.payment(&held).await.return_token.0;
        shop.kakaopay.trouble("approve", &[Refused]);
        meter.take();
        let kakaopay = &shop.kakaopay.client;
        crate::approve(&shop.store, kakaopay, held.payment_id, &token, "pg", shop.now)
            .await
            .unwrap();
        check("approve refused", &meter);
    });
}

#[test]
fn the_last_look_at_a_refused_payment_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter, _, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[Refused]);
        shop.agree(&held).await;
        meter.take();
        shop.after(ORDER_CLOSED_AFTER).reconcile(&held).await;
        check("reconcile, the last look", &meter);
    });
}

#[test]
fn ending_a_hold_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter, _, held) = waiting().await;
        let end = shop.after(HOLD);
        end.expire(&held).await;
        check("expire", &meter);
        end.expire(&held).await;
        check("expire again", &meter);
    });
}

#[test]
fn purchases_and_returns_of_one_event_meet_on_no_item_but_a_shard() {
    stack::run(async {
        let (shop, meter) = counted(1_000, PRICE).await;
        // The keys of the transaction that was done; one that met an empty shard came before it.
        let wrote = || -> BTreeSet<String> {
            let mut calls = meter.take().into_iter().map(|call| call.wrote);
            calls.rfind(|wrote| !wrote.is_empty()).unwrap().into_iter().collect()
        };
        let (mut purchases, mut returns) = (Vec::new(), Vec::new());
        for (open, closed) in [(0, 1), (1, 0)] {
            shop.set_free(open, 1).await;
            shop.set_free(closed, 0).await;
            let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
            purchases.push(wrote());
            shop.after(HOLD).expire(&held).await;
            returns.push(wrote());
        }
        assert_eq!((purchases[0].len(), returns[0].len()), (4, 3), "{purchases:?} {returns:?}");
        assert!(purchases[0].is_disjoint(&purchases[1]), "{purchases:?}");
        assert!(returns[0].is_disjoint(&returns[1]), "{returns:?}");
    });
}

#[test]
fn reconciling_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter, _, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[LostBefore]);
        shop.agree(&held).await;
        meter.take();
        shop.reconcile(&held).await;
        check("reconcile, not due", &meter);
        shop.after(HOLD).reconcile(&held).await;
        check("reconcile", &meter);
    });
}

#[test]
fn lists_and_sweeps_cost_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter, fan, held) = waiting().await;
        shop.agree(&held).await;
        meter.take();
        shop.store.payments_of(fan.member_id, 20, None).await.unwrap();
        check("list_my_payments", &meter);
        shop.store.tickets_of(fan.member_id, 20, None).await.unwrap();
        check("list_my_tickets", &meter);
        let artist = shop.artist().await;
        let given = shop.sponsors(fan, artist).await.unwrap();
        shop.agree(&given).await;
        meter.take();
        assert_eq!(shop.given(artist).await.len(), 1);
        check("list_my_sponsorships", &meter);
        shop.store.due(store::sales::due::Due::Hold, 0, shop.now, 100).await.unwrap();
        check("sweep of one shard", &meter);
    });
}

#[test]
fn what_belongs_to_an_event_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter, _, held) = waiting().await;
        shop.agree(&held).await;
        meter.take();
        let (mut payments, mut tickets) = (0, 0);
        for shard in 0..by_event::SHARDS {
            let page = shop.store.payments_of_event(shop.event.id, shard, 100, None).await.unwrap();
            let read = meter.take();
            if !page.items.is_empty() {
                assert_operation("payments_of_event", &read);
                payments += 1;
            }
            let page = shop.store.tickets_of_event(shop.event.id, shard, 100, None).await.unwrap();
            let read = meter.take();
            if !page.items.is_empty() {
                assert_operation("tickets_of_event", &read);
                tickets += 1;
            }
        }
        assert_eq!((payments, tickets), (1, 1));
    });
}

#[test]
fn a_refund_costs_what_the_data_model_says() {
    stack::run(async {
        let (shop, meter, _, held) = waiting().await;
        shop.agree(&held).await;
        let payment = shop.payment(&held).await;
        let balance = shop.balance(payment.member_id).await;
        meter.take();
        let asked = Asked {
            ticket_ids: payment.ticket_ids().to_vec(),
            cause: Cause::BuyerAsked,
            total: None,
        };
        let client = &shop.kakaopay.client;
        let given = refund(&shop.store, client, payment, balance, &asked, None, shop.now).await;
        check("refund", &meter);
        assert_eq!(given.unwrap().state, State::Refunded);
    });
}
