//! What a crash or KakaoPay's trouble leaves behind is finished by a retry, by expiry or by the reconciler.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{
    fault::Fault,
    payment::{ORDER_CLOSED_AFTER, State},
};
use serde_json::Value;
use store::sales::payment::Payment;
use tracing::instrument::WithSubscriber;

use super::{
    kakaopay::{
        Fake,
        Trouble::{LostAfter, LostBefore, NoAmounts, Refused, WrongAmount},
    },
    shop::{Fan, HOLD, Shop},
};
use crate::{
    Held,
    hold::{BY_MEMBER, open},
    settle,
};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(30);

/// A shop of 5 seats, and a fan with one of them to pay.
async fn waiting() -> (Shop, Fan, Held) {
    let shop = Shop::open(5).await;
    let fan = shop.fan().await;
    let held = shop.buy(fan, 1, "key").await.unwrap();
    (shop, fan, held)
}

impl Shop {
    fn taken(&self, held: &Held) -> u64 {
        let order = self.kakaopay.order(&held.order.as_ref().unwrap().tid);
        order.approved - order.cancelled
    }

    /// KakaoPay is asked to approve, nobody hears what came of it, and a minute later it says that the order failed. Answers the
    /// payment as the one who asked knows it: `APPROVING`.
    async fn refused(&self, held: &Held) -> Payment {
        self.kakaopay.trouble("approve", &[LostBefore]);
        let approving = self.agree(held).await;
        let tid = &held.order.as_ref().unwrap().tid;
        self.kakaopay.payer(tid, "FAIL_PAYMENT");
        assert_eq!(self.after(MINUTE).reconcile(held).await.state, State::Failed);
        // It has not, and the approval that was on its way arrives.
        self.kakaopay.payer(tid, "AUTH_PASSWORD");
        approving
    }

    /// The approval arrives after all, and so does its answer.
    async fn arrives(&self, held: &Held, approving: Payment) -> Payment {
        let order = held.order.as_ref().unwrap();
        let Self { store, kakaopay, now, .. } = self;
        let taken =
            settle::take_money(store, &kakaopay.client, approving, order, "pg-token", *now).await;
        taken.unwrap()
    }
}

/// What comes of it, and why a person was called meanwhile: what the alarm goes by.
pub(crate) async fn calls<T>(work: impl Future<Output = T>) -> (T, Vec<String>) {
    let lines = Arc::<Mutex<Vec<u8>>>::default();
    let sink = Arc::clone(&lines);
    let log = telemetry::captured(move |line| sink.lock().unwrap().extend_from_slice(line));
    let done = work.with_subscriber(log).await;
    let lines = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let calls = lines.filter(|line| line["NeedsPerson"] == 1.0);
    (done, calls.map(|line| line["reason"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn a_purchase_that_kakaopay_did_not_answer_is_resumed_by_the_same_key() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        for trouble in [[LostBefore; 2], [LostAfter; 2]] {
            shop.kakaopay.trouble("ready", &trouble);
            assert_eq!(shop.buy(fan, 1, "key").await.unwrap_err().code(), "KAKAOPAY_UNAVAILABLE");
            assert_eq!(shop.stock().await, [4, 1, 0]);
        }
        let held = shop.buy(fan, 1, "key").await.unwrap();
        assert_eq!((held.state, shop.stock().await), (State::Ready, [4, 1, 0]));
        assert_eq!(shop.agree(&held).await.state, State::Approved);
    });
}

#[test]
fn a_purchase_whose_process_died_is_resumed_after_its_lease_and_not_before() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        // Dies when KakaoPay has the order, and before it knows.
        shop.kakaopay.trouble("ready", &[LostAfter; 2]);
        let mut buying = Box::pin(shop.buy(fan, 1, "key"));
        while shop.kakaopay.orders() == 0 {
            drop(tokio::time::timeout(Duration::from_millis(1), &mut buying).await);
        }
        drop(buying);

        for _ in 0..=BY_MEMBER.limit {
            let polled = shop.buy(fan, 1, "key").await.unwrap_err();
            assert_eq!(polled.code(), "IDEMPOTENCY_IN_PROGRESS", "however often it is polled");
        }
        shop.kakaopay.trouble("ready", &[]);
        let held = shop.after(LEASE).buy(fan, 1, "key").await.unwrap();
        assert_eq!((held.state, shop.stock().await), (State::Ready, [4, 1, 0]));
    });
}

#[test]
fn a_run_that_was_thought_dead_answers_what_has_become_of_its_payment() {
    stack::run(async {
        for ended in [false, true] {
            let shop = Shop::open(5).await;
            let fan = shop.fan().await;
            shop.kakaopay.trouble("ready", &[LostBefore; 2]);
            shop.buy(fan, 1, "key").await.unwrap_err();
            let bought = shop.store.payments_of(fan.member_id, 1, None).await.unwrap();
            let as_the_first_run_knows_it = bought.items[0].clone();
            let (client, terms) = (&shop.kakaopay.client, Shop::terms());
            let first = || open(&shop.store, client, &terms, as_the_first_run_knows_it, shop.now);
            if ended {
                let later = shop.now.plus(HOLD);
                crate::expire(&shop.store, bought.items[0].id, later).await.unwrap();
                let held = first().await.unwrap();
                assert_eq!((held.state, held.order), (State::Expired, None));
            } else {
                let second = shop.buy(fan, 1, "key").await.unwrap();
                let tid = |held: Held| held.order.unwrap().tid;
                assert_eq!(tid(first().await.unwrap()), tid(second));
            }
        }
    });
}

#[test]
fn no_seat_is_held_while_kakaopays_key_cannot_be_had() {
    stack::run(async {
        let shop = Shop { kakaopay: Fake::without_key().await, ..Shop::open(5).await };
        let fan = shop.fan().await;
        let refused = shop.buy(fan, 1, "key").await.unwrap_err();
        assert_eq!(
            (refused.code(), shop.stock().await),
            (gateways::codes::KAKAOPAY_UNAVAILABLE, [5, 0, 0])
        );
        assert_eq!(shop.bought(fan).await, 0);
    });
}

#[test]
fn a_purchase_that_nobody_resumes_ends_with_its_hold() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        shop.kakaopay.trouble("ready", &[LostBefore; 2]);
        shop.buy(fan, 1, "key").await.unwrap_err();
        let late = shop.after(HOLD).buy(fan, 1, "key").await.unwrap();
        assert_eq!((late.state, late.order, shop.stock().await), (State::Expired, None, [5, 0, 0]));
    });
}

#[test]
fn a_purchase_that_kakaopay_refuses_gives_everything_back() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        shop.kakaopay.trouble("ready", &[Refused]);
        assert_eq!(shop.buy(fan, 1, "key").await.unwrap_err().code(), "PAYMENT_REFUSED");
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
        let again = shop.buy(fan, 1, "key").await.unwrap();
        assert_eq!((again.state, again.order, shop.kakaopay.orders()), (State::Failed, None, 0));
    });
}

#[test]
fn an_approval_that_kakaopay_refuses_gives_everything_back() {
    stack::run(async {
        let (shop, fan, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[Refused]);
        for _ in 0..2 {
            assert_eq!(shop.agree(&held).await.state, State::Failed);
            assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
        }
        assert_eq!((shop.taken(&held), shop.tickets(fan).await.len()), (0, 0));
    });
}

#[test]
fn an_approval_whose_answer_was_lost_is_settled_while_the_buyer_waits() {
    stack::run(async {
        let (shop, fan, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[LostAfter]);
        assert_eq!(shop.agree(&held).await.state, State::Approved);
        assert_eq!((shop.taken(&held), shop.tickets(fan).await.len()), (30_000, 1));
    });
}

#[test]
fn an_approval_that_stays_unclear_keeps_its_seats_until_the_reconciler_knows() {
    stack::run(async {
        let (shop, fan, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[LostAfter]);
        shop.kakaopay.trouble("order", &[LostBefore; 2]);
        assert_eq!(shop.agree(&held).await.state, State::Approving);

        assert_eq!(
            shop.after(HOLD).expire(&held).await,
            State::Approving,
            "its hold does not end it"
        );
        assert_eq!(shop.reconcile(&held).await.state, State::Approving, "it is not due yet");
        assert_eq!(shop.stock().await, [4, 1, 0]);

        for _ in 0..2 {
            assert_eq!(shop.after(MINUTE).reconcile(&held).await.state, State::Approved);
            assert_eq!((shop.stock().await, shop.tickets(fan).await.len()), ([4, 0, 1], 1));
        }
        assert_eq!((shop.taken(&held), shop.points(fan).await), (30_000, 150));
    });
}

#[test]
fn an_approval_that_never_reached_kakaopay_is_asked_for_again() {
    stack::run(async {
        let (shop, fan, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[LostBefore]);
        assert_eq!(shop.agree(&held).await.state, State::Approving);
        assert_eq!(shop.taken(&held), 0);
        assert_eq!(shop.after(MINUTE).reconcile(&held).await.state, State::Approved);
        assert_eq!((shop.taken(&held), shop.tickets(fan).await.len()), (30_000, 1));
    });
}

#[test]
fn a_buyer_who_comes_again_finishes_an_approval_whose_process_died() {
    stack::run(async {
        let (shop, _, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[LostBefore]);
        shop.agree(&held).await;
        assert_eq!(
            shop.come_back(&held).await.state,
            State::Approving,
            "the process may still be at it"
        );
        assert_eq!(shop.after(MINUTE).come_back(&held).await.state, State::Approved);
    });
}

#[test]
fn an_order_that_failed_at_kakaopay_gives_everything_back() {
    stack::run(async {
        for status in ["FAIL_PAYMENT", "QUIT_PAYMENT", "CANCEL_PAYMENT", "FAIL_AUTH_PASSWORD"] {
            let (shop, fan, held) = waiting().await;
            shop.kakaopay.trouble("approve", &[LostBefore]);
            shop.agree(&held).await;
            shop.kakaopay.payer(&held.order.as_ref().unwrap().tid, status);
            assert_eq!(shop.after(MINUTE).reconcile(&held).await.state, State::Failed, "{status}");
            assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0), "{status}");
        }
    });
}

#[test]
fn a_wrong_amount_goes_back_and_so_do_the_seats() {
    stack::run(async {
        let (shop, fan, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[WrongAmount]);
        let payment = shop.agree(&held).await;
        assert_eq!((payment.state, payment.refunded.cash.get()), (State::Refunded, 30_100));
        assert_eq!((shop.taken(&held), shop.tickets(fan).await.len()), (0, 0));
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
    });
}

#[test]
fn a_wrong_amount_calls_a_person() {
    stack::run(async {
        let (shop, _, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[WrongAmount]);
        assert_eq!(calls(shop.agree(&held)).await.1, ["OTHER_AMOUNT"]);
    });
}

#[test]
fn money_of_a_failed_payment_goes_back_and_what_cannot_go_at_once_goes_later() {
    stack::run(async {
        for trouble in [LostBefore, LostAfter] {
            let (shop, fan, held) = waiting().await;
            let approving = shop.refused(&held).await;
            shop.kakaopay.trouble("cancel", &[trouble]);
            let (payment, calls) = calls(shop.after(MINUTE).arrives(&held, approving)).await;
            assert_eq!((payment.state, calls), (State::Refunding, vec!["MONEY_CAME".to_owned()]));

            let later = shop.after(MINUTE * 2);
            for _ in 0..2 {
                let payment = later.reconcile(&held).await;
                let back = payment.refunded.cash.get();
                assert_eq!((payment.state, back), (State::Refunded, 30_000), "{trouble:?}");
            }
            assert_eq!(shop.taken(&held), 0, "{trouble:?}");
            assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0), "only once");
        }
    });
}

#[test]
fn money_of_a_failed_payment_is_found_by_the_last_look_though_nobody_heard_that_it_came() {
    stack::run(async {
        let (shop, fan, held) = waiting().await;
        shop.refused(&held).await;
        let tid = &held.order.as_ref().unwrap().tid;
        shop.kakaopay.approved_unheard(tid);
        assert_eq!(shop.after(MINUTE * 30).reconcile(&held).await.state, State::Failed, "not due");
        let last = shop.after(MINUTE + ORDER_CLOSED_AFTER);
        let (payment, calls) = calls(last.reconcile(&held)).await;
        assert_eq!((payment.state, calls), (State::Refunded, vec!["MONEY_CAME".to_owned()]));
        assert_eq!(shop.taken(&held), 0);
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0), "only once");
    });
}

#[test]
fn a_payment_that_failed_is_looked_at_until_kakaopay_has_said_once_more_that_it_took_nothing() {
    stack::run(async {
        let (shop, _, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[Refused]);
        assert_eq!(shop.agree(&held).await.state, State::Failed);
        let last = shop.after(ORDER_CLOSED_AFTER);
        shop.kakaopay.trouble("order", &[LostBefore; 2]);
        assert_eq!(last.reconcile(&held).await.due_at, Some(last.now.plus(MINUTE)));
        let (payment, calls) = calls(last.after(MINUTE).reconcile(&held)).await;
        assert_eq!((payment.state, payment.due_at, calls), (State::Failed, None, vec![]));
    });
}

#[test]
fn a_refund_whose_answer_was_lost_is_finished_by_the_reconciler_and_not_doubled() {
    stack::run(async {
        for trouble in [LostBefore, LostAfter] {
            let (shop, _, held) = waiting().await;
            shop.kakaopay.trouble("approve", &[WrongAmount]);
            shop.kakaopay.trouble("cancel", &[trouble]);
            assert_eq!(shop.agree(&held).await.state, State::Refunding);
            let later = shop.after(MINUTE);
            for _ in 0..2 {
                assert_eq!(later.reconcile(&held).await.state, State::Refunded, "{trouble:?}");
            }
            assert_eq!((shop.taken(&held), shop.stock().await), (0, [5, 0, 0]), "{trouble:?}");
        }
    });
}

#[test]
fn what_stays_unclear_is_asked_ever_later_then_shown_to_a_person_and_still_asked() {
    stack::run(async {
        let (shop, _, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[LostAfter]);
        shop.kakaopay.trouble("order", &[LostBefore; 99]);
        shop.agree(&held).await;
        let mut later = shop.after(MINUTE);
        let mut waits = Vec::new();
        let called = loop {
            let (payment, called) = calls(later.reconcile(&held)).await;
            if payment.needs_person {
                break called;
            }
            assert!(called.is_empty(), "so soon: {called:?}");
            let due = shop.payment(&held).await.due_at.unwrap();
            waits.push(later.now.until(due).as_secs() / 60);
            later = Shop { now: due, ..later };
        };
        assert_eq!((waits, called), (vec![1, 2, 4, 8, 16, 32], vec!["UNSETTLED".to_owned()]));
        shop.kakaopay.trouble("order", &[]);
        let payment = later.after(MINUTE * 60).reconcile(&held).await;
        assert_eq!((payment.state, payment.needs_person), (State::Approved, false));
    });
}

#[test]
fn money_that_was_not_taken_half_an_hour_after_the_buyer_agreed_never_is() {
    stack::run(async {
        let (shop, fan, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[LostBefore; 99]);
        assert_eq!(shop.agree(&held).await.state, State::Approving);
        assert_eq!(shop.after(MINUTE * 29).reconcile(&held).await.state, State::Approving);
        let later = shop.after(MINUTE * 60);
        assert_eq!(later.reconcile(&held).await.state, State::Failed);
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
    });
}

#[test]
fn a_refusal_of_what_is_asked_again_decides_nothing_while_the_first_may_be_under_way() {
    stack::run(async {
        let (shop, _, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[LostBefore, Refused]);
        shop.agree(&held).await;
        let minute = shop.after(MINUTE);
        assert_eq!(minute.reconcile(&held).await.state, State::Approving);
        // The first one arrives.
        shop.kakaopay.trouble("approve", &[]);
        let payment = shop.after(MINUTE * 5).reconcile(&held).await;
        assert_eq!((payment.state, shop.taken(&held)), (State::Approved, 30_000));
    });
}

#[test]
fn an_order_that_does_not_say_how_much_settles_nothing() {
    stack::run(async {
        let (shop, _, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[LostAfter]);
        shop.kakaopay.trouble("order", &[NoAmounts]);
        assert_eq!(shop.agree(&held).await.state, State::Approving);
        assert_eq!(shop.after(MINUTE).reconcile(&held).await.state, State::Approved);

        let (shop, _, held) = waiting().await;
        shop.kakaopay.trouble("approve", &[WrongAmount]);
        shop.kakaopay.trouble("cancel", &[LostBefore]);
        assert_eq!(shop.agree(&held).await.state, State::Refunding);
        shop.kakaopay.trouble("order", &[NoAmounts]);
        assert_eq!(shop.after(MINUTE).reconcile(&held).await.state, State::Refunding);
        assert_eq!(shop.after(MINUTE * 5).reconcile(&held).await.state, State::Refunded);
        assert_eq!(shop.taken(&held), 0);
    });
}

#[test]
fn what_is_due_is_found_by_the_sweeper_until_it_is_done() {
    use store::sales::due::{Due, SHARDS};
    stack::run(async {
        let (shop, _, held) = waiting().await;
        let found = async |due, shop: &Shop| {
            let mut found = false;
            for shard in 0..SHARDS {
                found |= shop
                    .store
                    .due(due, shard, shop.now, 1000)
                    .await
                    .unwrap()
                    .contains(&held.payment_id);
            }
            found
        };
        assert!(!found(Due::Hold, &shop).await, "its hold still lives");
        assert!(found(Due::Hold, &shop.after(HOLD)).await);
        shop.kakaopay.trouble("approve", &[LostBefore]);
        shop.agree(&held).await;
        assert!(!found(Due::Hold, &shop.after(HOLD)).await, "the hold no longer matters");
        assert!(!found(Due::Reconcile, &shop).await);
        assert!(found(Due::Reconcile, &shop.after(MINUTE)).await);
        shop.after(MINUTE).reconcile(&held).await;
        assert!(!found(Due::Reconcile, &shop.after(HOLD)).await);
    });
}
