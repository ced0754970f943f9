//! What a buyer's own unpaid holds mean for what they buy next, and for everybody else.

use std::time::Duration;

use domain::{fault::Fault, payment::State};
use store::Store;

use super::{
    kakaopay::Trouble::Refused,
    shop::{Fan, HOLD, Shop},
    trouble::MINUTE,
};
use crate::{Held, Lack, SalesFault, give_up};

impl Shop {
    /// Holds a seat and gives it up again, so many times.
    async fn lets_go(&self, fan: Fan, times: u32) {
        for _ in 0..times {
            let held = self.buy(fan, 1, &fresh()).await.unwrap();
            give_up(&self.store, held.payment_id, fan.member_id, self.now).await.unwrap();
        }
    }

    /// How long a purchase is put off.
    async fn waits(&self, fan: Fan) -> Option<Duration> {
        match self.buy(fan, 1, &fresh()).await {
            Ok(held) => {
                give_up(&self.store, held.payment_id, fan.member_id, self.now).await.unwrap();
                None
            }
            Err(fault) => {
                assert_eq!(fault.code(), "UNPAID_TOO_OFTEN");
                fault.retry_after()
            }
        }
    }
}

fn fresh() -> String {
    fastrand::u64(..).to_string()
}

/// The payment that a refusal names.
fn named(refused: Result<Held, SalesFault>) -> Option<Held> {
    match refused {
        Err(SalesFault::Lacks(Lack::Tickets, open)) => open.map(|open| *open),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_fills_their_limit_by_an_unpaid_hold_is_led_to_the_newest_of_them() {
    stack::run(async {
        let (shop, elsewhere) = (Shop::open(9).await, Shop::open(9).await);
        let (fan, other) = (shop.fan().await, shop.fan().await);
        let paid = shop.buy(fan, 1, "paid").await.unwrap();
        shop.agree(&paid).await;
        shop.buy(fan, 1, "first").await.unwrap();
        let open = shop.buy(fan, 2, "second").await.unwrap();
        elsewhere.buy(fan, 1, "elsewhere").await.unwrap();
        shop.buy(other, 4, "other").await.unwrap();

        assert_eq!(named(shop.buy(fan, 1, "more").await), Some(open.clone()));

        give_up(&shop.store, open.payment_id, fan.member_id, shop.now).await.unwrap();
        shop.buy(fan, 2, "after all").await.unwrap();
    });
}

#[test]
fn who_fills_their_limit_by_tickets_is_led_nowhere() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let paid = shop.buy(fan, 4, "paid").await.unwrap();
        shop.agree(&paid).await;
        assert_eq!(named(shop.buy(fan, 1, "more").await), None);
        assert_eq!(shop.stock().await, [5, 0, 4]);
    });
}

#[test]
fn a_hold_that_is_past_fills_nobodys_limit_though_nobody_wrote_that_it_ended() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let past = shop.buy(fan, 2, "past").await.unwrap();
        let later = shop.after(MINUTE);
        later.buy(fan, 2, "open").await.unwrap();
        let end = shop.after(HOLD);
        let again = end.buy(fan, 1, "again").await.unwrap();
        assert_eq!(shop.payment(&past).await.state, State::Expired);
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([6, 3, 0], 3));
        assert_eq!(named(end.buy(fan, 2, "too many").await), Some(again));
    });
}

#[test]
fn who_holds_lets_go_and_holds_again_keeps_a_show_from_nobody() {
    stack::run(async {
        for waits_for_the_worker in [true, false] {
            let shop = Shop::open(4).await;
            let (squatter, other) = (shop.fan().await, shop.fan().await);
            let (mut held, mut rounds, mut minutes) = (None, 0, 0);
            // Each minute the one who holds all seats comes first, and right when a hold ends.
            let got = loop {
                let now = shop.after(MINUTE * minutes);
                now.signs_in_again(squatter).await;
                now.signs_in_again(other).await;
                if let Some(held) = held.as_ref().filter(|_| waits_for_the_worker) {
                    now.expire(held).await;
                }
                if let Ok(again) = now.buy(squatter, 4, &minutes.to_string()).await {
                    (held, rounds) = (Some(again), rounds + 1);
                }
                if let Ok(got) = now.buy(other, 4, &minutes.to_string()).await {
                    break got;
                }
                minutes += 1;
                assert!(minutes < 60, "for an hour nobody else got a seat");
            };
            assert_eq!((got.state, rounds), (State::Ready, 2), "{minutes} minutes");
        }
    });
}

#[test]
fn one_hold_that_went_unpaid_costs_nothing_and_more_cost_ever_longer() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        shop.lets_go(fan, 1).await;
        assert_eq!(shop.waits(fan).await, None);
        let mut now = shop.clone();
        for minutes in [1, 5, 15] {
            assert_eq!(now.waits(fan).await, Some(MINUTE * minutes));
            now = now.after(MINUTE * minutes);
            assert_eq!(now.waits(fan).await, None);
        }
        assert_eq!(now.waits(fan).await, Some(MINUTE * 60));
        let elsewhere = Shop { event: Shop::open(9).await.event, ..now.clone() };
        assert_eq!(elsewhere.waits(fan).await, None, "of another event");
        assert_eq!(now.waits(now.fan().await).await, None, "somebody else");
        let later = now.after(MINUTE * 120);
        later.lets_go(fan, 2).await;
        assert_eq!(later.waits(fan).await, Some(MINUTE), "from the beginning");
    });
}

#[test]
fn who_waits_is_answered_by_the_same_key_and_counted_against_no_rate() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 1, "first").await.unwrap();
        give_up(&shop.store, held.payment_id, fan.member_id, shop.now).await.unwrap();
        shop.lets_go(fan, 1).await;
        for _ in 0..40 {
            assert_eq!(shop.waits(fan).await, Some(MINUTE));
        }
        assert_eq!(shop.buy(fan, 1, "first").await.unwrap().state, State::Cancelled);
    });
}

#[test]
fn a_hold_that_could_not_be_paid_counts_against_nobody_and_one_that_is_paid_late_ends_the_count() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        for key in ["a", "b", "c"] {
            shop.kakaopay.trouble("ready", &[Refused]);
            assert_eq!(shop.buy(fan, 1, key).await.unwrap_err().code(), "PAYMENT_REFUSED");
        }
        let late = shop.buy(fan, 1, "late").await.unwrap();
        shop.lets_go(fan, 1).await;
        let end = shop.after(HOLD);
        end.expire(&late).await;
        assert_eq!(end.waits(fan).await, Some(MINUTE));
        assert_eq!(end.agree(&late).await.state, State::Approved);
        assert_eq!(end.waits(fan).await, None);
    });
}

#[test]
fn whoever_only_says_that_they_paid_late_waits_on() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let late = shop.buy(fan, 1, "late").await.unwrap();
        shop.lets_go(fan, 1).await;
        let end = shop.after(HOLD);
        end.expire(&late).await;
        // Nobody has agreed on KakaoPay's page.
        assert_eq!(end.come_back(&late).await.state, State::Failed);
        assert_eq!(end.waits(fan).await, Some(MINUTE * 5));
    });
}

#[test]
fn a_hold_that_ends_beside_a_purchase_counts() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 1, "held").await.unwrap();
        let (other, id, buyer) = (shop.clone(), held.payment_id, fan.member_id);
        // Between the purchase's reading and its transaction.
        let ends = move || {
            let other = other.clone();
            async move { drop(give_up(&other.store, id, buyer, other.now).await.unwrap()) }
        };
        let store = Store::new(stack::meanwhile("TransactWriteItems", ends), stack::prefix());
        let beside = Shop { store, ..shop.clone() };
        beside.buy(fan, 1, "beside").await.unwrap();
        shop.lets_go(fan, 1).await;
        assert_eq!(shop.waits(fan).await, Some(MINUTE), "two ended unpaid");
    });
}
