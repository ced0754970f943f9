//! Tickets that go back.

use std::time::Duration;

use domain::{
    fault::Fault,
    id::{MemberId, TicketId},
    payment::State,
    points::Account,
    refund::{Cause, Rule},
    ticket,
    won::Won,
};
use futures::future::join_all;
use store::{
    Client, Compare, Store, Transaction, Write,
    sales::{
        payment::Payment,
        points::{Balance, BalanceKey},
        ticket::TicketKey,
    },
};

use super::{
    kakaopay::Trouble::{LostAfter, LostBefore, Refused},
    shop::{DAY, Fan, Shop},
    trouble::{MINUTE, calls},
};
use crate::{Asked, Held, SalesFault, quote, refund};

/// A shop of 9 seats, and a fan who paid for some of them.
async fn sold(quantity: i64) -> (Shop, Fan, Held) {
    sold_by(Shop::open(9).await, quantity).await
}

async fn sold_by(shop: Shop, quantity: i64) -> (Shop, Fan, Held) {
    let fan = shop.fan().await;
    let held = shop.buy(fan, quantity, "key").await.unwrap();
    assert_eq!(shop.agree(&held).await.state, State::Approved);
    (shop, fan, held)
}

impl Shop {
    pub(crate) async fn gives_back(
        &self,
        held: &Held,
        tickets: &[usize],
    ) -> Result<Payment, SalesFault> {
        let payment = self.payment(held).await;
        let ticket_ids = tickets.iter().map(|ticket| payment.ticket_ids()[*ticket]).collect();
        self.refunds(held, ticket_ids, None).await
    }

    pub(super) async fn refunds(
        &self,
        held: &Held,
        ticket_ids: Vec<TicketId>,
        total: Option<u64>,
    ) -> Result<Payment, SalesFault> {
        let payment = self.payment(held).await;
        self.refunds_as_read(payment, ticket_ids, total).await
    }

    /// The same by whoever read the payment some time ago.
    async fn refunds_as_read(
        &self,
        payment: Payment,
        ticket_ids: Vec<TicketId>,
        total: Option<u64>,
    ) -> Result<Payment, SalesFault> {
        let balance = self.balance(payment.member_id).await;
        let total = total.map(Won::new);
        let asked = Asked { ticket_ids, cause: Cause::BuyerAsked, total };
        refund(&self.store, &self.kakaopay.client, payment, balance, &asked, None, self.now).await
    }

    pub(crate) async fn balance(&self, member_id: MemberId) -> Balance {
        self.store.get(&BalanceKey(member_id)).await.unwrap().unwrap_or_default()
    }

    /// Points of the fan go to somebody else.
    async fn spends(&self, fan: Fan, points: u64) {
        let balance = self.balance(fan.member_id).await.balance.get();
        let left = Write::update(&BalanceKey(fan.member_id)).set("balance", balance - points);
        self.store.write(left, ()).await.unwrap();
    }

    /// What KakaoPay has of a payment.
    pub(super) fn kept_of(&self, held: &Held) -> u64 {
        let order = self.kakaopay.order(&held.order.as_ref().unwrap().tid);
        order.approved - order.cancelled
    }

    pub(super) async fn sum(&self, account: Account) -> i128 {
        self.store.sum_of(account).await.unwrap().posted
    }
}

#[test]
fn a_ticket_goes_back_with_its_seat_its_money_and_what_it_earned() {
    stack::run(async {
        let (shop, fan, held) = sold(2).await;
        assert_eq!((shop.stock().await, shop.points(fan).await), ([7, 0, 2], 300));

        let payment = shop.gives_back(&held, &[1]).await.unwrap();

        assert_eq!(payment.state, State::PartiallyRefunded);
        assert_eq!((payment.refunded.tickets, payment.refunded.cash.get()), (1, 30_000));
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([8, 0, 1], 1));
        assert_eq!((shop.points(fan).await, shop.kept_of(&held)), (150, 30_000));
        let mut states: Vec<_> = shop.tickets(fan).await.iter().map(|it| it.state).collect();
        states.sort();
        assert_eq!(states, [ticket::State::Valid, ticket::State::Refunded]);

        let payment = shop.gives_back(&held, &[0]).await.unwrap();
        assert_eq!((payment.state, payment.refunded.cash.get()), (State::Refunded, 60_000));
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([9, 0, 0], 0));
        assert_eq!((shop.points(fan).await, shop.kept_of(&held)), (0, 0));
        assert_eq!(shop.sum(Account::Member(fan.member_id)).await, 0);
        // Whoever got it back may buy again.
        assert!(shop.buy(fan, 4, "again").await.is_ok());
    });
}

#[test]
fn what_goes_back_is_what_the_schedule_says_on_that_day_for_each_ticket() {
    stack::run(async {
        let (shop, fan, held) = sold(2).await;
        let late = shop.after(DAY * 25);
        let payment = late.gives_back(&held, &[0]).await.unwrap();
        let back = payment.refunds.last().unwrap();
        assert_eq!((back.percent.get(), back.rule, back.cash.get()), (80, Rule::ThreeDays, 24_000));
        // Half a percent of the 36,000 won that the shop keeps stays with the fan.
        assert_eq!((shop.points(fan).await, shop.kept_of(&held)), (180, 36_000));
        let payment = late.after(DAY * 3).gives_back(&held, &[1]).await.unwrap();
        assert_eq!((payment.state, payment.refunded.cash.get()), (State::Refunded, 45_000));
        assert!(!payment.refunded.in_full);
        let started = shop.after(DAY * 31).gives_back(&held, &[1]).await.unwrap_err();
        assert_eq!(started.code(), "NOT_REFUNDABLE");
    });
}

#[test]
fn nothing_goes_back_of_what_is_not_paid_not_left_used_or_late() {
    stack::run(async {
        let (shop, _, held) = sold(2).await;
        let ids = shop.payment(&held).await.ticket_ids().to_vec();
        let unpaid = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        let foreign = TicketId::generate();
        for (held, asked, code) in [
            (&unpaid, vec![ids[0]], "NOT_REFUNDABLE"),
            (&held, vec![ids[0], foreign], "TICKETS_NOT_LEFT"),
            (&held, vec![ids[0], ids[0]], "TICKETS_NOT_LEFT"),
        ] {
            assert_eq!(shop.refunds(held, asked, None).await.unwrap_err().code(), code);
        }
        let started = shop.after(DAY * 30).gives_back(&held, &[0]).await.unwrap_err();
        assert_eq!(started.code(), "AFTER_START");

        // Somebody was let in with it.
        let used = Write::update(&TicketKey(ids[0])).set("state", "CHECKED_IN");
        shop.store.write(used, ()).await.unwrap();
        for tickets in [&[0][..], &[0, 1]] {
            assert_eq!(shop.gives_back(&held, tickets).await.unwrap_err().code(), "TICKET_USED");
        }
        assert_eq!((shop.stock().await, shop.kept_of(&held)), ([6, 1, 2], 60_000));
        shop.gives_back(&held, &[1]).await.unwrap();
        assert_eq!(shop.gives_back(&held, &[1]).await.unwrap_err().code(), "TICKETS_NOT_LEFT");
    });
}

#[test]
fn who_was_told_another_sum_is_told_the_new_one_and_nothing_goes_back() {
    stack::run(async {
        let (shop, _, held) = sold(2).await;
        let ids = shop.payment(&held).await.ticket_ids().to_vec();
        let told = quote(&shop.payment(&held).await, ids.clone(), Cause::BuyerAsked, shop.now);
        assert_eq!(told.unwrap().cash.get(), 60_000);
        let late = shop.after(DAY * 25);
        let changed = late.refunds(&held, ids.clone(), Some(60_000)).await.unwrap_err();
        let SalesFault::QuoteChanged(new) = changed else { panic!("{changed}") };
        assert_eq!((new.cash.get(), shop.kept_of(&held)), (48_000, 60_000));
        let payment = late.refunds(&held, ids, Some(48_000)).await.unwrap();
        assert_eq!((payment.state, shop.kept_of(&held)), (State::Refunded, 12_000));
    });
}

#[test]
fn earned_points_that_are_spent_are_owed_and_the_next_earning_pays_them_first() {
    stack::run(async {
        let (shop, fan, held) = sold(2).await;
        shop.spends(fan, 250).await;

        let payment = shop.gives_back(&held, &[0, 1]).await.unwrap();

        assert_eq!((payment.state, shop.kept_of(&held)), (State::Refunded, 0));
        let standing = shop.balance(fan.member_id).await;
        assert_eq!((standing.balance.get(), standing.debt.get()), (0, 250));
        for (key, balance, debt) in [("first", 0, 100), ("second", 50, 0)] {
            let held = shop.buy(fan, 1, key).await.unwrap();
            shop.agree(&held).await;
            let standing = shop.balance(fan.member_id).await;
            assert_eq!((standing.balance.get(), standing.debt.get()), (balance, debt), "{key}");
        }
        // What was spent here without a transfer is all that the books lack.
        let (own, debt) = (Account::Member(fan.member_id), Account::Debt(fan.member_id));
        assert_eq!((shop.sum(own).await, shop.sum(debt).await), (300, 0));
    });
}

#[test]
fn a_refund_that_kakaopay_does_not_do_at_once_is_finished_by_the_reconciler_and_not_doubled() {
    stack::run(async {
        for trouble in [LostBefore, LostAfter, Refused] {
            let (shop, fan, held) = sold(2).await;
            shop.kakaopay.trouble("cancel", &[trouble]);
            let payment = shop.gives_back(&held, &[0]).await.unwrap();
            assert_eq!((payment.state, payment.refunded.cash.get()), (State::Refunding, 0));
            assert_eq!(shop.stock().await, [8, 0, 1], "its seat does not wait for KakaoPay");
            let meanwhile = shop.gives_back(&held, &[1]).await.unwrap_err();
            assert_eq!(meanwhile.code(), "REFUND_IN_PROGRESS");
            let later = shop.after(MINUTE);
            for _ in 0..2 {
                let payment = later.reconcile(&held).await;
                let back = (payment.state, payment.refunded.cash.get());
                assert_eq!(back, (State::PartiallyRefunded, 30_000), "{trouble:?}");
            }
            assert_eq!((shop.kept_of(&held), shop.stock().await), (30_000, [8, 0, 1]));
            assert_eq!((shop.points(fan).await, shop.bought(fan).await), (150, 1));
        }
    });
}

#[test]
fn whoever_is_slow_over_a_refund_does_not_take_the_next_one_for_done() {
    stack::run(async {
        let (shop, _, held) = sold(2).await;
        shop.kakaopay.trouble("cancel", &[LostAfter]);
        let slow = shop.gives_back(&held, &[0]).await.unwrap();
        shop.after(MINUTE).reconcile(&held).await;
        shop.kakaopay.trouble("cancel", &[LostBefore]);
        assert_eq!(shop.gives_back(&held, &[1]).await.unwrap().state, State::Refunding);

        let order = held.order.as_ref().unwrap();
        let client = &shop.kakaopay.client;
        let seen = crate::settle::give_money_back(&shop.store, client, slow, order, shop.now).await;

        assert_eq!((seen.unwrap().state, shop.kept_of(&held)), (State::Refunding, 30_000));
        assert_eq!(shop.after(MINUTE).reconcile(&held).await.state, State::Refunded);
        assert_eq!(shop.kept_of(&held), 0);
    });
}

#[test]
fn more_than_was_to_go_back_calls_a_person() {
    stack::run(async {
        let (shop, _, held) = sold(2).await;
        // Somebody gave all of it back at KakaoPay's own desk.
        shop.kakaopay.trouble("cancel", &[LostBefore]);
        shop.gives_back(&held, &[0]).await.unwrap();
        shop.kakaopay.cancelled_unheard(&held.order.as_ref().unwrap().tid, 45_000);
        let (payment, calls) = calls(shop.after(MINUTE).reconcile(&held)).await;
        let back = (payment.state, payment.refunded.cash.get());
        assert_eq!(
            (back, calls),
            ((State::PartiallyRefunded, 30_000), vec!["MORE_WENT_BACK".to_owned()])
        );
        assert_eq!(shop.kept_of(&held), 15_000, "and nothing more goes");
    });
}

#[test]
fn what_was_free_goes_back_without_kakaopay() {
    stack::run(async {
        let shop = Shop::with(stack::dynamo(), 5, 0).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 2, "key").await.unwrap();
        let payment = shop.gives_back(&held, &[0]).await.unwrap();
        assert_eq!((payment.state, shop.stock().await), (State::PartiallyRefunded, [4, 0, 1]));
        assert_eq!(shop.gives_back(&held, &[1]).await.unwrap().state, State::Refunded);
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
        assert_eq!(shop.kakaopay.orders(), 0);
    });
}

#[test]
fn a_refund_of_seats_over_several_shards_gives_each_back_where_it_was() {
    stack::run(async {
        let shop = Shop::open(2_000).await;
        for number in 0..4 {
            shop.set_free(number, 1).await;
        }
        let (shop, _, held) = sold_by(shop, 3).await;
        shop.gives_back(&held, &[0, 2]).await.unwrap();
        shop.gives_back(&held, &[1]).await.unwrap();
        let shards = shop.shards().await;
        assert!(shards.iter().all(|shard| (shard.free, shard.sold) == (1, 0)), "{shards:?}");
    });
}

/// Two tickets that earned nothing, so that no balance is looked at, go back each for itself, decided on the same reading of the
/// payment, and KakaoPay does not hear of the first at once. Whether the shop kept money of a ticket that is given back, when all is
/// over.
async fn two_at_once(shop: &Shop) -> bool {
    let (shop, fan, held) = sold_by(shop.clone(), 2).await;
    let payment = shop.payment(&held).await;
    shop.kakaopay.trouble("cancel", &[LostBefore]);
    for ticket in [0, 1] {
        let asked = vec![payment.ticket_ids()[ticket]];
        drop(shop.refunds_as_read(payment.clone(), asked, None).await);
    }
    shop.after(MINUTE).reconcile(&held).await;
    for ticket in [0, 1] {
        drop(shop.gives_back(&held, &[ticket]).await);
    }
    let back = |it: &ticket::State| *it == ticket::State::Refunded;
    let gone = shop.tickets(fan).await.iter().map(|it| it.state).filter(back).count() as u64;
    shop.kept_of(&held) != (2 - gone) * CHEAP
}

/// What earns nothing.
const CHEAP: u64 = 150;

#[test]
fn refunds_of_one_payment_at_once_lose_no_money() {
    stack::run(async {
        let shop = Shop::with(stack::dynamo(), 99, CHEAP as i64).await;
        assert!(!two_at_once(&shop).await);
    });
}

#[test]
fn without_the_payments_version_they_do() {
    stack::run(async {
        let shop = Shop::with(stack::dynamo(), 99, CHEAP as i64).await;
        let store = Store::new(stack::without("version"), stack::prefix());
        let careless = Shop { store, ..shop };
        assert!(two_at_once(&careless).await, "the condition makes no difference");
    });
}

#[test]
fn overlapping_refunds_at_once_give_each_ticket_back_once() {
    stack::run(async {
        let (shop, fan, held) = sold(2).await;
        let asked = [&[0][..], &[1], &[0, 1], &[0, 1]];
        let all = asked.iter().cycle().take(8).map(|tickets| shop.gives_back(&held, tickets));
        let given = join_all(all).await.iter().filter(|given| given.is_ok()).count();
        assert!((1..=2).contains(&given), "{given} of 8");
        for ticket in [0, 1] {
            drop(shop.gives_back(&held, &[ticket]).await);
        }
        assert_eq!(shop.payment(&held).await.state, State::Refunded);
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([9, 0, 0], 0));
        assert_eq!((shop.points(fan).await, shop.kept_of(&held)), (0, 0));
        assert_eq!(shop.sum(Account::Member(fan.member_id)).await, 0);
    });
}

/// Somebody is let in with a ticket while it goes back: whether both were done.
async fn used_while_it_goes_back(client: Client) -> bool {
    let (shop, _, held) = sold(1).await;
    let shop = Shop { store: Store::new(client, stack::prefix()), ..shop };
    let id = shop.payment(&held).await.ticket_ids()[0];
    let enters = Write::update(&TicketKey(id)).set("state", "CHECKED_IN");
    let enters = Transaction::new().require(enters.when("state", Compare::Equal, "VALID"), ());
    let (back, entered) = tokio::join!(shop.gives_back(&held, &[0]), shop.store.transact(enters));
    match (&back, &entered) {
        (Ok(_), _) => assert_eq!(shop.kept_of(&held), 0),
        (Err(fault), Ok(())) => {
            assert_eq!((fault.code().name, shop.kept_of(&held)), ("TICKET_USED", 30_000));
        }
        neither => panic!("{neither:?}"),
    }
    back.is_ok() && entered.is_ok()
}

#[test]
fn a_ticket_is_used_or_goes_back_and_never_both() {
    stack::run(async {
        for _ in 0..8 {
            assert!(!used_while_it_goes_back(stack::dynamo()).await);
        }
    });
}

#[test]
fn without_the_condition_on_its_state_a_ticket_is_used_and_goes_back() {
    stack::run(async {
        let race = async || used_while_it_goes_back(stack::without("state")).await;
        assert!(stack::happens(race).await, "the condition makes no difference");
    });
}

#[test]
fn a_refund_whose_answers_get_lost_is_done_once() {
    stack::run(async {
        for operation in ["TransactWriteItems", "UpdateItem"] {
            let (shop, _, held) = sold(2).await;
            let store = Store::new(stack::losing(operation, 2), stack::prefix());
            let unlucky = Shop { store, ..shop.clone() };
            let payment = unlucky.gives_back(&held, &[0]).await.unwrap();
            assert_eq!(payment.state, State::PartiallyRefunded, "{operation}");
            assert_eq!((shop.stock().await, shop.kept_of(&held)), ([8, 0, 1], 30_000));
            assert_eq!(shop.payment(&held).await.refunds.len(), 1);
        }
    });
}

#[test]
fn who_meets_an_earning_of_the_same_moment_reads_the_balance_again() {
    stack::run(async {
        let (shop, fan, held) = sold(2).await;
        let payment = shop.payment(&held).await;
        let stale = shop.balance(fan.member_id).await;
        let other = shop.buy(fan, 1, "other").await.unwrap();
        shop.agree(&other).await;
        let asked = Asked {
            ticket_ids: payment.ticket_ids().to_vec(),
            cause: Cause::BuyerAsked,
            total: None,
        };
        let client = &shop.kakaopay.client;
        let given = refund(&shop.store, client, payment, stale, &asked, None, shop.now).await;
        assert_eq!((given.unwrap().state, shop.points(fan).await), (State::Refunded, 150));
        assert_eq!(shop.sum(Account::Member(fan.member_id)).await, 150);
    });
}

#[test]
fn a_hold_of_the_seat_that_went_back_is_not_told_sold_out() {
    stack::run(async {
        let (shop, _, held) = sold_by(Shop::open(1).await, 1).await;
        let late = shop.fan().await;
        assert_eq!(shop.buy(late, 1, "key").await.unwrap_err().code(), "SOLD_OUT");
        shop.gives_back(&held, &[0]).await.unwrap();
        assert!(shop.after(Duration::from_millis(1)).buy(late, 1, "key").await.is_ok());
    });
}
