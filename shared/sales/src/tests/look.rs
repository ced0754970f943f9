//! Money that went back at KakaoPay's own desk.

use domain::{
    payment::State,
    refund::{Cause, Rule},
};
use store::{Write, sales::due::Due, sales::ticket::TicketKey};

use super::{
    kakaopay::Trouble::LostBefore,
    shop::{DAY, Shop},
    trouble::calls,
};
use crate::{Held, look};

impl Shop {
    async fn looks_at(&self, held: &Held) -> store::sales::payment::Payment {
        look(&self.store, &self.kakaopay.client, held.payment_id, self.now).await.unwrap()
    }

    /// A shop a day after somebody has bought two tickets.
    async fn day_after() -> (Self, Held) {
        let shop = Self::open(9).await;
        let held = shop.buy(shop.fan().await, 2, "key").await.unwrap();
        shop.agree(&held).await;
        (shop.after(DAY), held)
    }

    fn desk_gives_back(&self, held: &Held, amount: u64) {
        self.kakaopay.cancelled_unheard(&held.order.as_ref().unwrap().tid, amount);
    }
}

#[test]
fn what_is_paid_is_due_each_day_and_the_last_time_when_its_event_is_over() {
    stack::run(async {
        let (mut shop, held) = Shop::day_after().await;
        let early = shop.after(DAY / 2);
        let mut looks = 1;
        loop {
            let looked = shop.looks_at(&held).await;
            assert_eq!(looked.state, State::Approved);
            assert_eq!(early.looks_at(&held).await.version, looked.version, "not due");
            let Some(due) = looked.due_at else { break };
            let end = shop.event.schedule.ends_at();
            assert_eq!(due, end.min(shop.now.plus(DAY)));
            (shop.now, looks) = (due, looks + 1);
        }
        assert_eq!(looks, 31, "its event ends in 31 days");
        let shards = 0..store::sales::due::SHARDS;
        for shard in shards {
            let due = shop.store.due(Due::Look, shard, shop.now.plus(DAY), 100).await.unwrap();
            assert!(!due.contains(&held.payment_id));
        }
    });
}

#[test]
fn all_that_went_back_there_takes_its_tickets_back() {
    stack::run(async {
        let (shop, held) = Shop::day_after().await;
        shop.desk_gives_back(&held, 60_000);
        let payment = shop.looks_at(&held).await;
        assert_eq!((payment.state, payment.refunded.cash.get()), (State::Refunded, 60_000));
        let [refund] = &payment.refunds[..] else { panic!("{payment:?}") };
        assert_eq!((refund.cause, refund.rule), (Cause::WentBack, Rule::NotTheBuyersChoice));
        assert_eq!((shop.stock().await, shop.kakaopay.kept()), ([9, 0, 0], 0));
        assert_eq!(payment.due_at, None);
        assert_eq!(shop.looks_at(&held).await, payment);
    });
}

#[test]
fn what_our_own_refund_left_there_and_went_back_too_takes_the_other_ticket_back() {
    stack::run(async {
        let (shop, held) = Shop::day_after().await;
        shop.gives_back(&held, &[0]).await.unwrap();
        shop.desk_gives_back(&held, 30_000);
        let next = shop.after(DAY);
        let payment = next.looks_at(&held).await;
        assert_eq!((payment.state, payment.refunds.len()), (State::Refunded, 2));
        assert_eq!(shop.stock().await, [9, 0, 0]);
    });
}

#[test]
fn a_part_or_a_used_ticket_is_shown_to_a_person_once_and_nothing_is_taken_back() {
    stack::run(async {
        let (shop, held) = Shop::day_after().await;
        shop.desk_gives_back(&held, 30_000);
        let mut now = shop.clone();
        for called in [&["WENT_BACK"][..], &[]] {
            let (payment, persons) = calls(now.looks_at(&held)).await;
            assert!(payment.needs_person && payment.state == State::Approved);
            assert_eq!(persons, called);
            now = now.after(DAY);
        }
        // A person has found out which ticket it was for.
        let ticket = shop.payment(&held).await.ticket_ids()[0];
        let done = crate::take_back(
            &shop.store,
            &shop.kakaopay.client,
            shop.payment(&held).await,
            vec![ticket],
            Cause::WentBack,
            now.now,
        );
        let done = done.await.unwrap();
        assert_eq!((done.state, done.needs_person), (State::PartiallyRefunded, false));
        assert_eq!(shop.kakaopay.kept(), 30_000, "it is not given back twice");
        assert!(!now.after(DAY).looks_at(&held).await.needs_person);

        let left = shop.payment(&held).await.ticket_ids()[1];
        let let_in = Write::update(&TicketKey(left)).set("state", "CHECKED_IN");
        shop.store.write(let_in, ()).await.unwrap();
        shop.desk_gives_back(&held, 30_000);
        let payment = now.after(DAY * 2).looks_at(&held).await;
        assert!(payment.needs_person && payment.state == State::PartiallyRefunded);
    });
}

#[test]
fn bought_points_that_are_looked_into_and_went_back_there_are_shown_to_a_person_and_stop_no_other_look()
 {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let held = shop.buys_points(fan, "points").await;
        shop.review(fan, true).await;
        shop.desk_gives_back(&held, 10_000);
        let looked = shop.after(DAY).looks_at(&held).await;
        assert_eq!((looked.state, looked.needs_person), (State::Approved, true));
        assert_eq!(shop.purse(fan).await, (10_000, 10_000));
        shop.review(fan, false).await;
        let looked = shop.after(DAY * 2).looks_at(&held).await;
        assert_eq!((looked.state, shop.purse(fan).await), (State::Refunded, (0, 0)));
    });
}

#[test]
fn what_kakaopay_does_not_answer_is_asked_tomorrow() {
    stack::run(async {
        let (shop, held) = Shop::day_after().await;
        shop.desk_gives_back(&held, 60_000);
        shop.kakaopay.trouble("order", &[LostBefore; 3]);
        let payment = shop.looks_at(&held).await;
        assert_eq!((payment.state, payment.due_at), (State::Approved, Some(shop.now.plus(DAY))));
        shop.kakaopay.trouble("order", &[]);
        assert_eq!(shop.after(DAY).looks_at(&held).await.state, State::Refunded);

        let (shop, held) = Shop::day_after().await;
        let over = Shop { now: shop.event.schedule.ends_at(), ..shop };
        over.desk_gives_back(&held, 60_000);
        over.kakaopay.trouble("order", &[LostBefore; 3]);
        let payment = over.looks_at(&held).await;
        assert_eq!(payment.due_at, Some(over.now.plus(DAY)), "it was not the last look");
        over.kakaopay.trouble("order", &[]);
        assert_eq!(over.after(DAY).looks_at(&held).await.state, State::Refunded);
    });
}

#[test]
fn a_refund_that_is_faster_is_no_difference() {
    stack::run(async {
        let (shop, held) = Shop::day_after().await;
        // Its buyer gives one back between the two questions of the look.
        let (other, its) = (shop.clone(), held.clone());
        let client = stack::meanwhile("UpdateItem", move || {
            let (other, its) = (other.clone(), its.clone());
            async move { drop(other.gives_back(&its, &[0]).await) }
        });
        let store = store::Store::new(client, stack::prefix());
        shop.desk_gives_back(&held, 30_000);
        let looking = look(&store, &shop.kakaopay.client, held.payment_id, shop.now);
        let (payment, persons) = calls(looking).await;
        let payment = payment.unwrap();
        assert_eq!((payment.state, payment.needs_person), (State::PartiallyRefunded, false));
        assert!(persons.is_empty(), "{persons:?}");
    });
}

#[test]
fn a_look_costs_what_the_data_model_says() {
    stack::run(async {
        let (client, meter) = stack::metered();
        let shop = Shop::with(client, 9, super::shop::PRICE).await;
        let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        shop.agree(&held).await;
        meter.take();
        shop.after(DAY).looks_at(&held).await;
        stack::assert_operation("look", &meter.take());
    });
}
