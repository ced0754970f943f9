//! What a crash or KakaoPay's trouble leaves behind is finished by a retry, by expiry or by the reconciler.

use std::time::Duration;

use domain::{fault::Fault, payment::State};

use super::{
    kakaopay::Trouble::{LostAfter, LostBefore, NoAmounts, Refused, WrongAmount},
    shop::{Fan, HOLD, Shop},
};
use crate::Held;

const MINUTE: Duration = Duration::from_secs(60);
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

        assert_eq!(shop.buy(fan, 1, "key").await.unwrap_err().code(), "IDEMPOTENCY_IN_PROGRESS");
        shop.kakaopay.trouble("ready", &[]);
        let held = shop.after(LEASE).buy(fan, 1, "key").await.unwrap();
        assert_eq!((held.state, shop.stock().await), (State::Ready, [4, 1, 0]));
    });
}

#[test]
fn a_purchase_that_nobody_resumes_ends_with_its_hold() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        shop.kakaopay.trouble("ready", &[LostBefore; 2]);
        shop.buy(fan, 1, "key").await.unwrap_err();
        let late = shop.after(HOLD).buy(fan, 1, "key").await.unwrap_err();
        assert_eq!((late.code(), shop.stock().await), ("HOLD_ENDED", [5, 0, 0]));
    });
}

#[test]
fn a_purchase_that_kakaopay_refuses_gives_everything_back() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        shop.kakaopay.trouble("ready", &[Refused]);
        for _ in 0..2 {
            assert_eq!(shop.buy(fan, 1, "key").await.unwrap_err().code(), "PAYMENT_REFUSED");
            assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
        }
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
        while !later.reconcile(&held).await.needs_person {
            let due = shop.payment(&held).await.due_at.unwrap();
            waits.push(later.now.until(due).as_secs() / 60);
            later = Shop { now: due, ..later };
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32]);
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
