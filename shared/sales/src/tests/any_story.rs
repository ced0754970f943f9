//! Whatever happens, in whatever order, with whatever trouble: what must hold in the end.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    coupon::ClaimState,
    id::ClaimId,
    payment::State,
    points::{Account, earned},
    ticket,
    won::Won,
};
use fastrand::Rng;
use store::{Store, sales::points::Sum};

use super::{
    kakaopay::Trouble::{self, LostAfter, LostBefore, Refused, WrongAmount},
    shop::{Fan, PRICE, Shop},
};
use crate::{Held, call_off};

const SEATS: u32 = 9;
const TROUBLES: [Trouble; 7] =
    [LostBefore, LostBefore, LostAfter, LostAfter, WrongAmount, WrongAmount, Refused];
const PAYER: [&str; 8] = [
    "AUTH_PASSWORD",
    "AUTH_PASSWORD",
    "AUTH_PASSWORD",
    "AUTH_PASSWORD",
    "AUTH_PASSWORD",
    "AUTH_PASSWORD",
    "QUIT_PAYMENT",
    "FAIL_PAYMENT",
];

struct Story {
    shop: Shop,
    fans: Vec<Fan>,
    /// What each fan claimed, and how many points each bought.
    coupons: Vec<Vec<ClaimId>>,
    bought: Vec<u64>,
    held: Vec<Held>,
    random: Rng,
}

impl Story {
    async fn open(store: &Store, seed: u64) -> Self {
        let shop = Shop::within(store.clone(), i64::from(SEATS), PRICE).await;
        let mut fans = Vec::new();
        for _ in 0..6 {
            fans.push(shop.fan().await);
        }
        let mut coupons = Vec::new();
        for fan in &fans {
            coupons.push(vec![shop.claims(*fan, 9).await]);
        }
        let bought = vec![0; fans.len()];
        Self { shop, fans, coupons, bought, held: Vec::new(), random: Rng::with_seed(seed) }
    }

    async fn happens(&mut self) {
        let (shop, random) = (&mut self.shop, &mut self.random);
        let trouble: Vec<_> =
            (0..random.usize(..3)).filter_map(|_| random.choice(TROUBLES)).collect();
        match random.u32(..17) {
            15.. => {
                let fan = random.usize(..self.fans.len());
                self.coupons[fan].push(shop.claims(self.fans[fan], 9).await);
                let points = random.u64(1..30_000);
                shop.tops_up(self.fans[fan], points).await;
                self.bought[fan] += points;
            }
            12.. => {
                for held in &self.held {
                    let tickets = shop.payment(held).await.ticket_ids().len();
                    let some: Vec<_> = (0..tickets).filter(|_| random.u32(..4) == 0).collect();
                    if !some.is_empty() {
                        drop(shop.gives_back(held, &some).await);
                    }
                }
            }
            0 => shop.now = shop.now.plus(Duration::from_secs(random.u64(..900))),
            1 => shop.kakaopay.trouble("ready", &trouble),
            2 | 3 => shop.kakaopay.trouble("approve", &trouble),
            4 => shop.kakaopay.trouble("cancel", &trouble),
            // Each is asked twice before it counts as lost.
            5 => shop.kakaopay.trouble("order", &[LostBefore; 4][..random.usize(..5)]),
            6..=8 => {
                let (fan, key) = (random.usize(..self.fans.len()), random.u32(..8).to_string());
                let quantity = 1 + i64::from(fan as u32 % 3);
                let coupon = random.choice(&self.coupons[fan]).copied();
                let coupon = coupon.filter(|_| random.u32(..4) > 0);
                let points = [0, random.u64(..20_000)][random.usize(..2)];
                let (fan, buys) = (self.fans[fan], (quantity, key.as_str()));
                if let Ok(held) = shop.buy_with(fan, buys.0, buys.1, coupon, points).await
                    && held.state == State::Ready
                    && !self.held.contains(&held)
                {
                    self.held.push(held);
                }
            }
            _ => {
                let Some(held) = random.choice(&self.held).cloned() else { return };
                self.goes_on(&held).await;
            }
        }
    }

    async fn goes_on(&mut self, held: &Held) {
        let (shop, random) = (&self.shop, &mut self.random);
        let token = shop.payment(held).await.return_token.0;
        match random.u32(..16) {
            0 => _ = call_off(&shop.store, held.payment_id, &token, shop.now).await.unwrap(),
            1 => _ = shop.comes_back_unpaid(held).await,
            2 | 3 => _ = shop.expire(held).await,
            4..=6 => _ = shop.reconcile(held).await,
            visits => {
                let tid = &held.order.as_ref().unwrap().tid;
                if shop.kakaopay.order(tid).approved == 0 {
                    shop.kakaopay.payer(tid, random.choice(PAYER).unwrap());
                }
                if visits < 10 {
                    tokio::join!(shop.come_back(held), shop.come_back(held), shop.reconcile(held));
                } else {
                    shop.come_back(held).await;
                }
            }
        }
    }

    /// The trouble is over, and the workers do what they do every minute.
    async fn settles(&mut self) {
        for operation in ["ready", "approve", "cancel", "order"] {
            self.shop.kakaopay.trouble(operation, &[]);
        }
        for _ in 0..3 {
            self.shop.now = self.shop.now.plus(Duration::from_secs(3_600));
            for fan in &self.fans {
                for payment in
                    self.shop.store.payments_of(fan.member_id, 100, None).await.unwrap().items
                {
                    crate::expire(&self.shop.store, payment.id, self.shop.now).await.unwrap();
                    let Shop { store, kakaopay, now, .. } = &self.shop;
                    crate::reconcile(store, &kakaopay.client, payment.id, *now).await.unwrap();
                }
            }
        }
    }

    /// What must hold; answers the points of all fans, how many payments went back in part or whole, and how many coupons were spent.
    async fn holds(&self, seed: u64) -> (i128, usize, usize) {
        let shop = &self.shop;
        let (mut sold, mut kept, mut given, mut went_back, mut used) = (0, 0, 0, 0, 0);
        let of_fans = self.fans.iter().zip(&self.coupons).zip(&self.bought);
        for ((fan, coupons), bought) in of_fans {
            let (mut tickets, mut points, mut valid) = (0, *bought, Vec::new());
            let mut spent = BTreeSet::new();
            for payment in shop.store.payments_of(fan.member_id, 100, None).await.unwrap().items {
                assert!(!payment.state.holds_stock(), "seed {seed}: {payment:?}");
                assert!(!payment.state.is_in_between(), "seed {seed}: {payment:?}");
                assert!(!payment.is_unsettled(), "seed {seed}: {payment:?}");
                assert_eq!(payment.pg_token, None, "seed {seed}: {payment:?}");
                let paid = matches!(
                    payment.state,
                    State::Approved | State::PartiallyRefunded | State::Refunded
                ) && !payment.ticket_ids().is_empty();
                let cash = if paid { payment.amounts.cash } else { Won::ZERO };
                let cash = cash.checked_sub(payment.goes_back().cash).unwrap();
                if let Some(order) = &payment.order {
                    let order = shop.kakaopay.order(&order.tid);
                    assert_eq!(
                        order.approved - order.cancelled,
                        cash.get(),
                        "seed {seed}: {payment:?}"
                    );
                    assert!(order.approvals <= 1, "seed {seed}: {payment:?}");
                    kept += order.approved - order.cancelled;
                }
                if paid {
                    assert_eq!(
                        payment.ticket_ids().len(),
                        payment.quantity() as usize,
                        "seed {seed}"
                    );
                    assert_eq!(payment.refunded, payment.goes_back(), "seed {seed}");
                    let left: Vec<_> = payment.tickets_left().collect();
                    assert_eq!(
                        left.is_empty(),
                        payment.state == State::Refunded,
                        "seed {seed}: {payment:?}"
                    );
                    went_back += usize::from(!payment.refunds.is_empty());
                    tickets += left.len() as u32;
                    valid.extend(left);
                    points += earned(cash).get() + payment.refunded.points.get();
                    points -= payment.amounts.points.get();
                    let returned = payment.refunds.iter().any(|refund| refund.coupon);
                    let coupon = payment.claim_id.filter(|_| !returned);
                    assert!(coupon.is_none_or(|id| spent.insert(id)), "seed {seed}: spent twice");
                }
            }
            assert_eq!(shop.bought(*fan).await, tickets, "seed {seed}: the buyer's counter");
            let let_in = shop.tickets(*fan).await.into_iter();
            let let_in = let_in.filter(|ticket| ticket.state == ticket::State::Valid);
            let mut let_in: Vec<_> = let_in.map(|ticket| ticket.id).collect();
            let_in.sort();
            valid.sort();
            assert_eq!(let_in, valid, "seed {seed}: tickets");
            for id in coupons {
                let used = shop.coupon(*fan, *id).await == ClaimState::Used;
                assert_eq!(used, spent.contains(id), "seed {seed}: coupons");
            }
            used += spent.len();
            let balance = shop.balance(fan.member_id).await;
            let (has, owes) = (balance.balance.get(), balance.debt.get());
            assert_eq!(has, points + owes, "seed {seed}: points");
            assert!(balance.bought <= balance.balance, "seed {seed}: {balance:?}");
            let Sum { posted, available } =
                shop.store.sum_of(Account::Member(fan.member_id)).await.unwrap();
            assert_eq!(
                (posted, available),
                (i128::from(has), i128::from(has)),
                "seed {seed}: the balance is the sum of its transfers, and nothing is set aside"
            );
            let owed = shop.store.sum_of(Account::Debt(fan.member_id)).await.unwrap().posted;
            assert_eq!(owed, -i128::from(owes), "seed {seed}: so is what is owed");
            given += owed;
            given += posted;
            sold += tickets;
        }
        assert_eq!(shop.stock().await, [SEATS - sold, 0, sold], "seed {seed}: stock");
        assert_eq!(shop.kakaopay.kept(), kept, "seed {seed}: no money without a payment");
        (given, went_back, used)
    }
}

#[test]
fn whatever_happens_no_seat_no_won_and_no_point_is_lost_or_doubled() {
    stack::run(async {
        let store = Store::new(stack::dynamo(), &stack::own_tables().await);
        let (mut given, mut went_back, mut used) = (0, 0, 0);
        for seed in 0..10 {
            let mut story = Story::open(&store, seed).await;
            for _ in 0..80 {
                story.happens().await;
            }
            story.settles().await;
            let (points, payments, coupons) = story.holds(seed).await;
            (given, went_back, used) = (given + points, went_back + payments, used + coupons);
        }
        let told = format!("{given} points, {went_back} refunded payments, {used} coupons");
        assert!(given > 0 && went_back > 5 && used > 5, "{told}");
        let mut sides = 0;
        for account in [Account::Promotion, Account::Platform] {
            sides += store.sum_of(account).await.unwrap().posted;
        }
        assert_eq!(sides + given, 0, "the ledger of all sides");
    });
}
