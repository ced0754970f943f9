//! Coupons and points that a purchase spends.

use domain::{
    coupon::ClaimState,
    fault::Fault,
    id::{ClaimId, CouponId, PaymentId},
    payment::State,
    points::{self, Account},
    time::Time,
    won::Won,
};
use serde_json::json;
use store::{
    Client, Store, Transaction, Write,
    sales::{
        claim::{Claim, ClaimKey},
        points::{BalanceKey, earn, review, sell_back, set_aside, top_up},
    },
};

use super::{
    kakaopay::Trouble::{LostAfter, LostBefore, Refused},
    shop::{DAY, Fan, HOLD, PRICE, Shop},
    trouble::MINUTE,
};
use crate::{Held, Lack, SalesFault, call_off, give_up};

pub(super) const DISCOUNT: u64 = 5_000;

impl Shop {
    /// The fan claims a coupon that is good for so many days more.
    pub(super) async fn claims(&self, fan: Fan, days: u32) -> ClaimId {
        let id = ClaimId::generate();
        let expires_on = self.now.plus(DAY * days).korean_day();
        let claim = json!({
            "id": id, "couponId": CouponId::generate(), "discount": DISCOUNT, "expiresOn": expires_on, "state": "USABLE",
        });
        let claim: Claim = serde_json::from_value(claim).unwrap();
        let key = ClaimKey { member_id: fan.member_id, id };
        self.store.write(Write::create(&key, &claim), ()).await.unwrap();
        id
    }

    /// The fan buys points.
    pub(super) async fn tops_up(&self, fan: Fan, points: u64) {
        let bought = top_up(fan.member_id, PaymentId::generate(), Won::new(points), self.now);
        let whole = bought.into_iter().fold(Transaction::<()>::new(), Transaction::also);
        self.store.transact(whole).await.unwrap();
    }

    async fn claim(&self, fan: Fan, id: ClaimId) -> Claim {
        let key = ClaimKey { member_id: fan.member_id, id };
        self.store.get(&key).await.unwrap().unwrap()
    }

    pub(super) async fn coupon(&self, fan: Fan, id: ClaimId) -> ClaimState {
        self.claim(fan, id).await.state_at(self.now)
    }

    /// What the fan can spend, how much of that they bought, and that the ledger says the same.
    pub(super) async fn purse(&self, fan: Fan) -> (u64, u64) {
        let balance = self.balance(fan.member_id).await;
        let sum = self.store.sum_of(Account::Member(fan.member_id)).await.unwrap();
        assert_eq!(i128::from(balance.balance.get()), sum.available);
        (balance.balance.get(), balance.bought.get())
    }

    async fn transfers(&self, fan: Fan) -> Vec<(points::Kind, points::State, u64)> {
        let page = self.store.transfers_of(fan.member_id, 100, None).await.unwrap();
        let of = |it: store::sales::points::Entry| {
            (it.transfer.kind, it.transfer.state, it.transfer.amount.get())
        };
        page.items.into_iter().map(of).collect()
    }
}

/// A fan with a coupon of 5,000 and 10,000 points who holds a seat for both.
async fn holding() -> (Shop, Fan, ClaimId, Held) {
    let shop = Shop::open(9).await;
    let fan = shop.fan().await;
    let coupon = shop.claims(fan, 9).await;
    shop.tops_up(fan, 10_000).await;
    let held = shop.buy_with(fan, 1, "key", Some(coupon), 7_000).await.unwrap();
    (shop, fan, coupon, held)
}

/// Nothing of the purchase is left with it.
async fn all_is_back(shop: &Shop, fan: Fan, coupon: ClaimId, why: &str) {
    assert_eq!(shop.coupon(fan, coupon).await, ClaimState::Usable, "{why}");
    assert_eq!(shop.claim(fan, coupon).await.payment_id, None, "{why}");
    assert_eq!(shop.purse(fan).await, (10_000, 10_000), "{why}");
    assert_eq!(shop.stock().await, [9, 0, 0], "{why}");
    let used = shop.transfers(fan).await;
    assert_eq!(used[0], (points::Kind::Used, points::State::Voided, 7_000), "{why}");
}

#[test]
fn the_coupon_pays_first_then_points_then_kakaopay_is_asked_for_the_rest() {
    stack::run(async {
        let (shop, fan, coupon, held) = holding().await;
        let parts = [held.amounts.coupon, held.amounts.points, held.amounts.cash].map(Won::get);
        assert_eq!(parts, [5_000, 7_000, 18_000]);
        assert_eq!(shop.coupon(fan, coupon).await, ClaimState::Held);
        assert_eq!(shop.claim(fan, coupon).await.payment_id, Some(held.payment_id));
        assert_eq!(shop.purse(fan).await, (3_000, 3_000));
        let (kind, pending) = (points::Kind::Used, points::State::Pending);
        assert_eq!(shop.transfers(fan).await[0], (kind, pending, 7_000));

        let payment = shop.agree(&held).await;

        assert_eq!(payment.state, State::Approved);
        assert_eq!(shop.kept_of(&held), 18_000);
        assert_eq!(shop.coupon(fan, coupon).await, ClaimState::Used);
        // Half a percent of the cash alone is earned.
        assert_eq!(shop.purse(fan).await, (3_090, 3_000));
        let used = shop.transfers(fan).await;
        assert!(used.contains(&(kind, points::State::Posted, 7_000)), "{used:?}");
    });
}

#[test]
fn what_coupon_and_points_pay_wholly_is_bought_at_once_and_kakaopay_hears_nothing() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let coupon = shop.claims(fan, 0).await;
        shop.tops_up(fan, 25_000).await;
        let held = shop.buy_with(fan, 1, "key", Some(coupon), 25_000).await.unwrap();
        assert_eq!((held.state, held.amounts.cash.get()), (State::Approved, 0));
        assert_eq!(shop.coupon(fan, coupon).await, ClaimState::Used);
        assert_eq!((shop.purse(fan).await, shop.kakaopay.orders()), ((0, 0), 0));
        assert_eq!((shop.stock().await, shop.tickets(fan).await.len()), ([8, 0, 1], 1));
    });
}

#[test]
fn however_a_purchase_ends_unpaid_the_coupon_and_the_points_are_back() {
    stack::run(async {
        let (shop, fan, coupon, held) = holding().await;
        give_up(&shop.store, held.payment_id, fan.member_id, shop.now).await.unwrap();
        give_up(&shop.store, held.payment_id, fan.member_id, shop.now).await.unwrap();
        all_is_back(&shop, fan, coupon, "given up, twice").await;

        let (shop, fan, coupon, held) = holding().await;
        let token = shop.payment(&held).await.return_token.0;
        call_off(&shop.store, held.payment_id, &token, shop.now).await.unwrap();
        all_is_back(&shop, fan, coupon, "called off").await;

        let (shop, fan, coupon, held) = holding().await;
        shop.after(HOLD).expire(&held).await;
        all_is_back(&shop, fan, coupon, "ran out").await;

        let (shop, fan, coupon, held) = holding().await;
        shop.kakaopay.trouble("approve", &[Refused]);
        assert_eq!(shop.agree(&held).await.state, State::Failed);
        all_is_back(&shop, fan, coupon, "KakaoPay refused").await;

        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let coupon = shop.claims(fan, 9).await;
        shop.tops_up(fan, 10_000).await;
        shop.kakaopay.trouble("ready", &[Refused]);
        shop.buy_with(fan, 1, "key", Some(coupon), 7_000).await.unwrap_err();
        all_is_back(&shop, fan, coupon, "KakaoPay opened nothing").await;
    });
}

fn lacks(refused: Result<Held, SalesFault>) -> (Lack, Option<PaymentId>) {
    match refused {
        Err(SalesFault::Lacks(lack, open)) => (lack, open.map(|open| open.payment_id)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_coupon_that_is_not_ones_own_or_spent_or_past_buys_nothing_and_nothing_is_written() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let (fan, other) = (shop.fan().await, shop.fan().await);
        let (spent, theirs) = (shop.claims(fan, 9).await, shop.claims(other, 9).await);
        let paid = shop.buy_with(fan, 1, "before", Some(spent), 0).await.unwrap();
        shop.agree(&paid).await;
        let yesterday =
            Shop { now: Time::from_millis(shop.now.millis() - 86_400_000), ..shop.clone() };
        let past = yesterday.claims(fan, 0).await;
        for (why, claim) in [
            ("spent", spent),
            ("past", past),
            ("another's", theirs),
            ("nobody's", ClaimId::generate()),
        ] {
            let refused = shop.buy_with(fan, 1, why, Some(claim), 0).await;
            assert_eq!(lacks(refused), (Lack::Coupon, None), "{why}");
        }
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([8, 0, 1], 1));
        assert_eq!(shop.coupon(other, theirs).await, ClaimState::Usable);
    });
}

#[test]
fn more_points_than_there_are_or_than_remain_to_be_paid_buy_nothing() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        shop.tops_up(fan, 30_000).await;
        let refused = shop.buy_with(fan, 2, "more than there are", None, 30_001).await;
        assert_eq!(lacks(refused), (Lack::Points, None));
        let coupon = shop.claims(fan, 9).await;
        let refused = shop.buy_with(fan, 1, "more than remain", Some(coupon), 25_001).await;
        assert_eq!(refused.unwrap_err().code(), "POINTS_EXCEED_PRICE");
        assert_eq!((shop.stock().await, shop.purse(fan).await), ([9, 0, 0], (30_000, 30_000)));
    });
}

#[test]
fn what_an_unpaid_hold_of_ones_own_has_is_named_and_once_it_is_past_it_is_there_again() {
    stack::run(async {
        let (shop, fan, coupon, held) = holding().await;
        let open = Some(held.payment_id);
        let again = shop.buy_with(fan, 1, "coupon", Some(coupon), 0).await;
        assert_eq!(lacks(again), (Lack::Coupon, open));
        let again = shop.buy_with(fan, 1, "points", None, 10_000).await;
        assert_eq!(lacks(again), (Lack::Points, open));
        // Nobody has ended it.
        let end = shop.after(HOLD);
        let both = end.buy_with(fan, 1, "both", Some(coupon), 10_000).await.unwrap();
        assert_eq!(both.amounts.cash.get(), 15_000);
        assert_eq!(shop.payment(&held).await.state, State::Expired);
        assert_eq!((shop.stock().await, shop.purse(fan).await), ([8, 1, 0], (0, 0)));
    });
}

#[test]
fn who_comes_too_late_pays_with_the_same_coupon_and_points_if_they_are_still_there() {
    stack::run(async {
        let (shop, fan, coupon, held) = holding().await;
        let late = shop.after(HOLD + MINUTE);
        late.expire(&held).await;
        assert_eq!(late.agree(&held).await.state, State::Approved);
        assert_eq!(late.coupon(fan, coupon).await, ClaimState::Used);
        assert_eq!((late.purse(fan).await, late.kept_of(&held)), ((3_090, 3_000), 18_000));

        for spends_the_coupon in [true, false] {
            let (shop, fan, coupon, held) = holding().await;
            let late = shop.after(HOLD + MINUTE);
            late.expire(&held).await;
            let (claim, points) = if spends_the_coupon { (Some(coupon), 0) } else { (None, 9_000) };
            let other = late.buy_with(fan, 1, "other", claim, points).await.unwrap();
            late.agree(&other).await;
            assert_eq!(late.agree(&held).await.state, State::Expired, "nothing is charged");
            assert_eq!(late.kept_of(&held), 0);
            assert_eq!(late.stock().await, [8, 0, 1]);
        }
    });
}

#[test]
fn a_late_approval_that_kakaopay_refuses_gives_the_coupon_and_the_points_back_again() {
    stack::run(async {
        let (shop, fan, coupon, held) = holding().await;
        let late = shop.after(HOLD + MINUTE);
        late.expire(&held).await;
        late.kakaopay.trouble("approve", &[Refused]);
        assert_eq!(late.agree(&held).await.state, State::Failed);
        all_is_back(&late, fan, coupon, "late and refused").await;
    });
}

#[test]
fn refunds_return_each_tickets_points_those_that_were_bought_first_and_with_the_last_the_coupon() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let coupon = shop.claims(fan, 9).await;
        // 150 points were earned, and are spent before what is bought.
        let before = shop.buy(fan, 1, "before").await.unwrap();
        shop.agree(&before).await;
        shop.tops_up(fan, 1_000).await;
        let held = shop.buy_with(fan, 3, "key", Some(coupon), 1_000).await.unwrap();
        assert_eq!(shop.purse(fan).await, (150, 150));
        shop.agree(&held).await;
        let earned = (3 * PRICE as u64 - DISCOUNT - 1_000) / 200;
        assert_eq!(shop.purse(fan).await, (150 + earned, 150));

        for (ticket, points, bought) in [(2, 334, 334), (0, 667, 667), (1, 1_000, 850)] {
            assert_eq!(shop.coupon(fan, coupon).await, ClaimState::Used);
            let payment = shop.gives_back(&held, &[ticket]).await.unwrap();
            assert_eq!(payment.refunded.points.get(), points);
            let (_, has) = shop.purse(fan).await;
            assert_eq!(has, 150 + bought, "after {points}");
        }
        assert_eq!(shop.coupon(fan, coupon).await, ClaimState::Usable);
        assert_eq!((shop.purse(fan).await, shop.kept_of(&held)), ((1_150, 1_000), 0));
    });
}

#[test]
fn a_coupon_of_which_less_than_all_goes_back_stays_spent() {
    stack::run(async {
        let (shop, fan, coupon, held) = holding().await;
        shop.agree(&held).await;
        // Seven days before, and long after it was bought.
        let later = shop.after(DAY * 23);
        let payment = later.gives_back(&held, &[0]).await.unwrap();
        assert_eq!((payment.refunded.points.get(), payment.refunded.cash.get()), (6_300, 16_200));
        assert_eq!(later.coupon(fan, coupon).await, ClaimState::Used);
        // 10 of the 90 points that the cash had earned are kept, as is a tenth of it.
        assert_eq!(shop.purse(fan).await, (9_300 + 9, 9_300));
    });
}

#[test]
fn trouble_at_kakaopay_neither_loses_nor_doubles_a_point() {
    stack::run(async {
        for trouble in [LostBefore, LostAfter] {
            let (shop, fan, coupon, held) = holding().await;
            shop.kakaopay.trouble("approve", &[trouble]);
            shop.kakaopay.trouble("order", &[LostBefore; 4]);
            assert_eq!(shop.agree(&held).await.state, State::Approving, "{trouble:?}");
            assert_eq!(shop.purse(fan).await, (3_000, 3_000));
            shop.kakaopay.trouble("order", &[]);
            let later = shop.after(MINUTE);
            for _ in 0..2 {
                assert_eq!(later.reconcile(&held).await.state, State::Approved, "{trouble:?}");
            }
            assert_eq!(shop.coupon(fan, coupon).await, ClaimState::Used);
            assert_eq!((shop.purse(fan).await, shop.kept_of(&held)), ((3_090, 3_000), 18_000));
        }
    });
}

#[test]
fn another_amount_than_was_asked_for_goes_back_and_so_do_the_coupon_and_the_points() {
    stack::run(async {
        let (shop, fan, coupon, held) = holding().await;
        shop.kakaopay.trouble("approve", &[super::kakaopay::Trouble::WrongAmount]);
        shop.agree(&held).await;
        assert_eq!(shop.after(MINUTE).reconcile(&held).await.state, State::Refunded);
        all_is_back(&shop, fan, coupon, "another amount").await;
        assert_eq!(shop.kept_of(&held), 0);
    });
}

/// All points of a fan, asked for by two purchases at once: how many hold them, and whether the balance is what the ledger says.
async fn twice_at_once(client: Client) -> (usize, bool) {
    let shop = Shop::within(Store::new(client, stack::prefix()), 9, PRICE).await;
    let fan = shop.fan().await;
    let earned = earn(fan.member_id, PaymentId::generate(), Won::new(8_000), shop.now);
    let earned = earned.into_iter().fold(Transaction::<()>::new(), Transaction::also);
    shop.store.transact(earned).await.unwrap();
    let buy = |key| shop.buy_with(fan, 1, key, None, 8_000);
    let (one, other) = tokio::join!(buy("one"), buy("other"));
    let balance = i128::from(shop.balance(fan.member_id).await.balance.get());
    let sum = shop.store.sum_of(Account::Member(fan.member_id)).await.unwrap();
    (usize::from(one.is_ok()) + usize::from(other.is_ok()), sum.available == balance)
}

#[test]
fn points_are_spent_once_by_purchases_at_once() {
    stack::run(async {
        for _ in 0..5 {
            assert_eq!(twice_at_once(stack::dynamo()).await, (1, true));
        }
    });
}

#[test]
fn without_the_condition_on_the_balance_points_are_spent_twice() {
    stack::run(async {
        let happens = async || twice_at_once(stack::without("balance")).await == (2, false);
        assert!(stack::happens(happens).await, "the condition makes no difference");
    });
}

impl Shop {
    /// The fan's points turn out not to be what their transfers say, or are found right again.
    pub(super) async fn review(&self, fan: Fan, is_under: bool) {
        let since = is_under.then_some(self.now);
        let read = self.balance(fan.member_id).await;
        self.store.write(review(fan.member_id, read, since), ()).await.unwrap();
    }
}

#[test]
fn points_that_are_looked_into_are_not_spent_and_their_owner_buys_earns_and_has_refunds_all_the_same()
 {
    stack::run(async {
        let (shop, fan, coupon, held) = holding().await;
        let other = shop.fan().await;
        shop.tops_up(other, 5_000).await;
        shop.review(fan, true).await;
        let refused = shop.buy_with(fan, 1, "points", None, 1_000).await.unwrap_err();
        assert_eq!(refused.code(), "POINTS_UNDER_REVIEW");
        // What was set aside before is spent, and earns.
        assert_eq!(shop.agree(&held).await.state, State::Approved);
        assert_eq!(shop.purse(fan).await, (3_090, 3_000));
        let cash = shop.buy_with(fan, 1, "cash", None, 0).await.unwrap();
        assert_eq!(shop.agree(&cash).await.state, State::Approved);
        assert_eq!(shop.purse(fan).await, (3_240, 3_000));
        shop.gives_back(&held, &[0]).await.unwrap();
        assert_eq!(shop.coupon(fan, coupon).await, ClaimState::Usable);
        assert_eq!(shop.purse(fan).await, (10_150, 10_000));
        assert_eq!(shop.balance(fan.member_id).await.under_review_since, Some(shop.now));
        // Nobody else is stopped.
        shop.buy_with(other, 1, "points", None, 5_000).await.unwrap();

        shop.review(fan, false).await;
        shop.buy_with(fan, 1, "points", None, 1_000).await.unwrap();
        assert_eq!(shop.purse(fan).await, (9_150, 9_150));
    });
}

#[test]
fn who_pays_too_late_with_points_that_are_looked_into_is_not_charged() {
    stack::run(async {
        let (shop, fan, coupon, held) = holding().await;
        let late = shop.after(HOLD + MINUTE);
        late.expire(&held).await;
        late.review(fan, true).await;
        assert_eq!(late.agree(&held).await.state, State::Expired);
        assert_eq!(late.kept_of(&held), 0);
        all_is_back(&late, fan, coupon, "under review").await;
    });
}

/// Points that turn out to be wrong after they were read and before they are taken, one time to be spent and one time to be had for
/// money: whether they are taken.
async fn taken_under_review(client: Client) -> [bool; 2] {
    let shop = Shop::open(9).await;
    let store = Store::new(client, stack::prefix());
    let mut taken = [false; 2];
    for (is_taken, is_spent) in taken.iter_mut().zip([true, false]) {
        let fan = shop.fan().await;
        shop.tops_up(fan, 1_000).await;
        let (points, payment) = (Won::new(1_000), PaymentId::generate());
        let read = shop.balance(fan.member_id).await;
        let pieces = match is_spent {
            true => set_aside(fan.member_id, payment, points, read, shop.now).unwrap().1,
            false => sell_back(fan.member_id, payment, points, read, shop.now).unwrap(),
        };
        shop.review(fan, true).await;
        let whole = pieces.into_iter().fold(Transaction::new(), |it, piece| it.require(piece, ()));
        *is_taken = store.transact(whole).await.is_ok();
        let left = store.get(&BalanceKey(fan.member_id)).await.unwrap().unwrap();
        assert_eq!(left.balance.is_zero(), *is_taken);
    }
    taken
}

#[test]
fn no_point_is_taken_that_is_looked_into_since_it_was_read() {
    stack::run(async {
        assert_eq!(taken_under_review(stack::dynamo()).await, [false, false]);
        let without = stack::without("underReviewSince");
        assert_eq!(taken_under_review(without).await, [true, true], "the condition does it");
    });
}

/// A coupon that two payments hold at once: whether both did.
async fn held_twice(client: Client) -> bool {
    let shop = Shop::open(1).await;
    let fan = shop.fan().await;
    let id = shop.claims(fan, 9).await;
    let key = ClaimKey { member_id: fan.member_id, id };
    let store = Store::new(client, stack::prefix());
    let hold = || store.write(key.hold(PaymentId::generate(), shop.now), ());
    let (one, other) = tokio::join!(hold(), hold());
    one.is_ok() && other.is_ok()
}

#[test]
fn a_coupon_is_held_by_one_of_the_purchases_that_want_it_at_once() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let coupon = shop.claims(fan, 9).await;
        let buy = |key| shop.buy_with(fan, 1, key, Some(coupon), 0);
        let (one, two, three) = tokio::join!(buy("one"), buy("two"), buy("three"));
        let held = [one, two, three].into_iter().filter(Result::is_ok).count();
        assert_eq!((held, shop.stock().await), (1, [8, 1, 0]));
        assert!(!held_twice(stack::dynamo()).await);
    });
}

#[test]
fn without_the_condition_on_its_state_a_coupon_is_held_twice() {
    stack::run(async {
        let happens = async || held_twice(stack::without("state")).await;
        assert!(stack::happens(happens).await, "the condition makes no difference");
    });
}

#[test]
fn a_coupon_that_takes_nothing_off_is_not_spent() {
    stack::run(async {
        let shop = Shop::with(stack::dynamo(), 9, 0).await;
        let fan = shop.fan().await;
        let coupon = shop.claims(fan, 9).await;
        let held = shop.buy_with(fan, 1, "key", Some(coupon), 0).await.unwrap();
        assert_eq!((held.state, held.amounts.coupon.get()), (State::Approved, 0));
        assert_eq!(shop.coupon(fan, coupon).await, ClaimState::Usable);
    });
}
