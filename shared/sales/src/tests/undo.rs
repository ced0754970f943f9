//! Purchases that are taken back though their buyers did not ask.

use domain::{
    event::{self, Schedule},
    fault::Fault,
    payment::State,
    refund::{Cause, Rule},
    ticket,
};
use store::{Write, catalog::on_sale::OnSale, sales::ticket::TicketKey};

use super::{
    kakaopay::Trouble::LostBefore,
    shop::{DAY, Shop},
    trouble::MINUTE,
};
use crate::{Held, SalesFault, cause_of, take_back, undo};

impl Shop {
    async fn undoes(&self, held: &Held) -> Result<State, SalesFault> {
        let payment = self.payment(held).await;
        let (store, kakaopay) = (&self.store, &self.kakaopay.client);
        let done = undo(store, kakaopay, payment, Cause::EventCancelled, self.now).await?;
        Ok(done.state)
    }
}

#[test]
fn a_hold_is_ended_and_all_that_was_paid_goes_back_whenever() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let unpaid = shop.buy(shop.fan().await, 4, "key").await.unwrap();
        let fan = shop.fan().await;
        let paid = shop.buy(fan, 4, "key").await.unwrap();
        shop.agree(&paid).await;
        // One went back before, for less than it had cost.
        shop.after(DAY * 25).gives_back(&paid, &[0]).await.unwrap();
        let late = shop.after(DAY * 40);

        for _ in 0..2 {
            assert_eq!(late.undoes(&unpaid).await.unwrap(), State::Cancelled);
            assert_eq!(late.undoes(&paid).await.unwrap(), State::Refunded);
        }

        let payment = shop.payment(&paid).await;
        let back = payment.refunds.last().unwrap();
        assert_eq!((back.ticket_ids.len(), back.percent.get()), (3, 100));
        assert_eq!((back.cause, back.rule), (Cause::EventCancelled, Rule::NotTheBuyersChoice));
        assert_eq!((payment.refunded.cash.get(), shop.kakaopay.kept()), (114_000, 6_000));
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([9, 0, 0], 0));
    });
}

#[test]
fn what_let_somebody_in_is_left_and_all_else_goes_back() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let held = shop.buy(shop.fan().await, 3, "key").await.unwrap();
        shop.agree(&held).await;
        let used = shop.payment(&held).await.ticket_ids()[1];
        let let_in = Write::update(&TicketKey(used)).set("state", "CHECKED_IN");
        shop.store.write(let_in, ()).await.unwrap();
        assert_eq!(shop.undoes(&held).await.unwrap(), State::PartiallyRefunded);
        assert_eq!(shop.payment(&held).await.tickets_left().collect::<Vec<_>>(), [used]);
        assert_eq!(shop.undoes(&held).await.unwrap_err().code(), "TICKET_USED");
        let seen = shop.store.get(&TicketKey(used)).await.unwrap().unwrap();
        assert_ne!(seen.state, ticket::State::Refunded);
    });
}

#[test]
fn of_tickets_that_are_asked_for_those_that_went_back_meanwhile_keep_no_other() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let held = shop.buy(shop.fan().await, 3, "key").await.unwrap();
        shop.agree(&held).await;
        let asked = shop.payment(&held).await.ticket_ids()[..2].to_vec();
        shop.gives_back(&held, &[0]).await.unwrap();
        let (store, kakaopay) = (&shop.store, &shop.kakaopay.client);
        for _ in 0..2 {
            let cause = Cause::CannotBeKept;
            let read = shop.payment(&held).await;
            let done = take_back(store, kakaopay, read, asked.clone(), cause, shop.now).await;
            let payment = done.unwrap();
            let left: Vec<_> = payment.tickets_left().collect();
            assert_eq!(left, payment.ticket_ids()[2..]);
        }
        assert_eq!((shop.kept_of(&held), shop.stock().await), (30_000, [8, 0, 1]));
    });
}

#[test]
fn a_refund_that_waits_for_a_person_is_tried_once_more_and_no_other() {
    stack::run(async {
        let mut shop = Shop::open(9).await;
        let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        shop.agree(&held).await;
        shop.kakaopay.trouble("cancel", &[LostBefore; 8]);
        assert_eq!(shop.undoes(&held).await.unwrap(), State::Refunding);
        assert_eq!(shop.undoes(&held).await.unwrap(), State::Refunding);
        assert_eq!(shop.payment(&held).await.attempts, 0, "it is the reconciler's");
        while !shop.payment(&held).await.needs_person {
            shop.now = shop.payment(&held).await.due_at.unwrap();
            shop.reconcile(&held).await;
        }
        shop.now = shop.now.plus(MINUTE);
        assert_eq!(shop.undoes(&held).await.unwrap(), State::Refunded);
        assert_eq!(shop.kakaopay.kept(), 0);
    });
}

#[test]
fn who_bought_what_was_moved_or_cancelled_since_gets_all_back_until_it_starts() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        let payment = shop.payment(&held).await;
        let as_bought = OnSale::from(&shop.event);
        let start = as_bought.schedule.starts_at();
        let moved = |days: i64| {
            let by = |time: domain::time::Time| {
                domain::time::Time::from_millis(time.millis() + days * 86_400_000)
            };
            let it = as_bought.schedule;
            let schedule = Schedule::new(
                by(it.starts_at()),
                by(it.ends_at()),
                by(it.sale_starts_at()),
                by(it.sale_ends_at()),
            );
            OnSale { schedule: schedule.unwrap(), ..as_bought.clone() }
        };
        let elsewhere = OnSale { place: "부산 금정구".parse().unwrap(), ..as_bought.clone() };
        let cancelled = OnSale { state: event::State::Cancelled, ..as_bought.clone() };
        let dearer =
            OnSale { title: "앙코르".parse().unwrap(), terms_version: 2, ..as_bought.clone() };
        let (before, after) = (start.minus(DAY), start.plus(DAY / 2));
        let told = |event: &OnSale, now| {
            cause_of(&payment, Some(event), now).map_err(|fault| fault.code().name)
        };
        for (event, now, cause) in [
            (&as_bought, before, Ok(Cause::BuyerAsked)),
            (&dearer, before, Ok(Cause::BuyerAsked)),
            (&elsewhere, before, Ok(Cause::EventChanged)),
            (&elsewhere, after, Err("AFTER_START")),
            (&moved(1), after, Ok(Cause::EventChanged)),
            (&moved(1), start.plus(DAY), Err("AFTER_START")),
            (&moved(-2), before, Ok(Cause::EventChanged)),
            (&moved(-2), after, Err("AFTER_START")),
            (&cancelled, before, Ok(Cause::EventCancelled)),
            (&cancelled, after, Ok(Cause::EventCancelled)),
        ] {
            assert_eq!(told(event, now), cause, "{event:?} at {now}");
        }
        assert_eq!(cause_of(&payment, None, after).ok(), Some(Cause::BuyerAsked));
    });
}
