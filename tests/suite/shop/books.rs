//! What must hold of a shop at any moment, however it came there; `infra/data-model.md` and KakaoPay's books say what.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    coupon::ClaimState,
    id::PaymentId,
    payment::{Purpose, State},
    points::{Account, Kind, State as TransferState, Transfer, available, earned},
    stock::Shard,
    ticket,
    time::Time,
    won::Won,
};
use store::sales::{
    buyer::BuyerKey,
    claim::{Claim, ClaimKey},
    payment::{Payment, Refund, Subject},
    points::{BalanceKey, Entry},
    sponsorship::SponsorshipKey,
    stock,
    ticket::Ticket,
    waiting::Waiting,
};

use super::{Fan, Shop, at_once, simulator::Order};

/// Everything that is kept of a shop, found to be right.
#[derive(Clone, Debug, PartialEq)]
pub struct Books {
    pub payments: Vec<Payment>,
    pub tickets: Vec<Ticket>,
    pub stock: Vec<Shard>,
    points: Vec<(u64, Vec<Transfer>)>,
}

impl Books {
    /// How many payments are in each state.
    pub fn states(&self) -> BTreeMap<State, usize> {
        let mut states = BTreeMap::new();
        self.payments.iter().for_each(|payment| *states.entry(payment.state).or_default() += 1);
        states
    }

    /// How many payments there are of each kind.
    pub fn purposes(&self) -> BTreeMap<Purpose, usize> {
        let mut purposes = BTreeMap::new();
        let all = self.payments.iter().map(|payment| payment.subject.purpose());
        all.for_each(|purpose| *purposes.entry(purpose).or_default() += 1);
        purposes
    }

    /// How many seats are kept for whoever waited for them.
    pub fn offered(&self) -> u32 {
        self.stock.iter().map(|shard| shard.offered).sum()
    }

    /// Free, held and sold seats.
    pub fn seats(&self) -> [u32; 3] {
        self.stock.iter().fold([0; 3], |[free, held, sold], shard| {
            [free + shard.free, held + shard.held, sold + shard.sold]
        })
    }

    /// That nothing waits for anybody any more.
    #[track_caller]
    pub fn assert_settled(&self) {
        let is_open = |it: &&Payment| it.state.can_expire() || it.is_unsettled();
        let open = self.payments.iter().find(is_open);
        assert_eq!(open, None, "still open");
    }
}

/// What is kept of one fan.
struct Kept {
    fan: Fan,
    payments: Vec<Payment>,
    tickets: Vec<Ticket>,
    balance: u64,
    transfers: Vec<Entry>,
    claim: Option<Claim>,
    waits: Vec<Waiting>,
}

/// Reads everything of a shop and of its fans, and asserts what must always hold:
///
/// - sold + held + offered + free = capacity, shard by shard, and as the payments and the offers say;
/// - a buyer's counter is what is held and sold for them, at most 4;
/// - a paid payment has its tickets, and earned its points, once; no other has any;
/// - what goes back is out of the tickets that are good, of the stock, the counter and the points at once, and of KakaoPay's books when it is over;
/// - each balance is the sum of its transfers, without what is set aside;
/// - points are set aside for what is held, spent for what is paid, and for nothing else; so are coupons;
/// - what is paid for points or for an artist they have, and nobody else;
/// - each won that KakaoPay approved and did not give back has a ticket, points, a gift or an open reconciliation.
///
/// # Panics
/// When one of them does not hold.
pub async fn check(shop: &Shop) -> Books {
    let kept = at_once(shop.fans().into_iter().map(|fan| read(shop.clone(), fan))).await;
    let keys: Vec<_> = kept.iter().map(|kept| buyer(shop, kept.fan)).collect();
    let mut counters = Vec::new();
    for keys in keys.chunks(100) {
        counters.extend(shop.store.read_all(keys).await.unwrap());
    }
    for (kept, counter) in kept.iter().zip(counters) {
        check_fan(kept, counter.map_or(0, |counter| counter.tickets));
        check_points(kept);
    }
    let payments: Vec<_> = kept.iter().flat_map(|kept| kept.payments.clone()).collect();
    check_money(&payments, shop.simulator.orders().await, &kept);
    let offers: Vec<_> = kept.iter().flat_map(|kept| &kept.waits).collect();
    check_gifts(shop, &payments).await;
    let stock = check_stock(shop, &payments, &offers).await;
    let points = |kept: &Kept| {
        (kept.balance, kept.transfers.iter().map(|entry| entry.transfer.clone()).collect())
    };
    let points = kept.iter().map(points).collect();
    Books {
        payments,
        tickets: kept.into_iter().flat_map(|kept| kept.tickets).collect(),
        stock,
        points,
    }
}

fn buyer(shop: &Shop, fan: Fan) -> BuyerKey {
    BuyerKey { member_id: fan.member_id, event_id: shop.event.id }
}

async fn read(shop: Shop, fan: Fan) -> Kept {
    let store = &shop.store;
    let payments = store.payments_of(fan.member_id, 1_000, None).await.unwrap().items;
    let tickets = store.tickets_of(fan.member_id, 1_000, None).await.unwrap().items;
    let transfers = store.transfers_of(fan.member_id, 1_000, None).await.unwrap().items;
    let balance = store.get(&BalanceKey(fan.member_id)).await.unwrap().unwrap_or_default();
    let claim = fan.purse.map(|it| ClaimKey { member_id: fan.member_id, id: it.claim_id });
    let claim = store.read(&Vec::from_iter(claim)).await.unwrap().into_iter().flatten().next();
    let waits = store.waits_of(fan.member_id, 1_000, None).await.unwrap().items;
    assert!(balance.bought <= balance.balance, "{balance:?} of {fan:?}");
    Kept { fan, payments, tickets, balance: balance.balance.get(), transfers, claim, waits }
}

fn check_fan(kept: &Kept, counter: u32) {
    let Kept { fan, payments, tickets, .. } = kept;
    let taken = payments.iter().map(|payment| match payment.state.holds_stock() {
        true => payment.quantity(),
        false => payment.tickets_left().count() as u32,
    });
    let taken: u32 = taken.sum();
    assert_eq!(counter, taken, "the counter of {fan:?}");
    assert!(counter <= 4, "{fan:?} has {counter} tickets");

    let paid = || payments.iter().filter(|payment| paid(payment));
    for payment in paid() {
        assert_eq!(payment.ticket_ids().len(), payment.quantity() as usize, "{payment:?}");
    }
    let promised: BTreeSet<_> = paid()
        .flat_map(|payment| payment.ticket_ids().iter().map(|id| (payment.id, *id)))
        .collect();
    let there: BTreeSet<_> = tickets.iter().map(|ticket| (ticket.payment_id, ticket.id)).collect();
    assert_eq!(
        (there, tickets.len()),
        (promised.clone(), promised.len()),
        "the tickets of {fan:?}"
    );

    let good: BTreeSet<_> = paid().flat_map(Payment::tickets_left).collect();
    let valid = tickets.iter().filter(|ticket| ticket.state == ticket::State::Valid);
    assert_eq!(valid.map(|ticket| ticket.id).collect::<BTreeSet<_>>(), good, "the good ones");
}

fn check_points(kept: &Kept) {
    let Kept { fan, payments, .. } = kept;
    let member = Account::Member(fan.member_id);
    let can_be_spent = available(member, kept.transfers.iter().map(|entry| &entry.transfer));
    assert_eq!(i128::from(kept.balance), can_be_spent, "the balance of {fan:?}");
    let mut moved = BTreeMap::new();
    for payment in payments {
        let sum = |of: fn(&Refund) -> Won| payment.refunds.iter().map(|it| of(it).get()).sum();
        let earned = if paid(payment) { earned(payment.amounts.cash).get() } else { 0 };
        let spent = if paid(payment) { TransferState::Posted } else { TransferState::Pending };
        let holds = paid(payment) || payment.state.holds_stock();
        let spent = (payment.amounts.points.get(), spent);
        let is_top_up = (&payment.subject, payment.state) == (&Subject::Points, State::Approved);
        let expected = Moved {
            topped_up: if is_top_up { payment.amounts.cash.get() } else { 0 },
            earned,
            taken_back: sum(|it| it.earned_taken_back),
            spent: Some(spent).filter(|(points, _)| holds && *points > 0),
            returned: sum(|it| it.points),
        };
        moved.insert(payment.id, expected);
    }
    let mut got: BTreeMap<_, _> =
        payments.iter().map(|payment| (payment.id, Moved::default())).collect();
    for entry in &kept.transfers {
        let Transfer { from, to, amount, kind, state, .. } = entry.transfer;
        let is_top_up = (from, to, kind) == (Account::Platform, member, Kind::TopUp);
        let moved = match got.get_mut(&entry.payment_id.unwrap()) {
            Some(moved) => moved,
            // What they had when they came.
            None if is_top_up => continue,
            None => panic!("{entry:?} is of no payment of {fan:?}"),
        };
        assert!(kind == Kind::Used || state == TransferState::Posted, "{entry:?} of {fan:?}");
        match (from, to, kind) {
            _ if is_top_up => moved.topped_up += amount.get(),
            (Account::Promotion, to, Kind::Earned) if to == member => moved.earned += amount.get(),
            (from, Account::Promotion, Kind::EarnedTakenBack) if from == member => {
                moved.taken_back += amount.get();
            }
            (from, Account::Platform, Kind::Used) if from == member => {
                if state != TransferState::Voided {
                    assert_eq!(moved.spent, None, "{fan:?} spent twice");
                    moved.spent = Some((amount.get(), state));
                }
            }
            (Account::Platform, to, Kind::Returned) if to == member => {
                moved.returned += amount.get();
            }
            other => panic!("{other:?} of {fan:?}"),
        }
    }
    assert_eq!(got, moved, "the points of {fan:?}");
    if let Some(claim) = &kept.claim {
        check_coupon(claim, payments);
    }
}

/// What a payment moved of its buyer's points.
#[derive(Debug, Default, PartialEq)]
struct Moved {
    topped_up: u64,
    earned: u64,
    taken_back: u64,
    spent: Option<(u64, TransferState)>,
    returned: u64,
}

/// A coupon is with the one payment that holds it or has spent it, and else usable.
fn check_coupon(claim: &Claim, payments: &[Payment]) {
    let returned = |payment: &&Payment| payment.refunds.iter().any(|refund| refund.coupon);
    let own = payments.iter().filter(|payment| payment.claim_id == Some(claim.id));
    let mut with = own.filter(|it| it.state.holds_stock() || paid(it) && !returned(it));
    let expected = match with.next() {
        Some(payment) if paid(payment) => (ClaimState::Used, Some(payment.id)),
        Some(payment) => (ClaimState::Held, Some(payment.id)),
        None => (ClaimState::Usable, None),
    };
    assert_eq!(with.next(), None, "{claim:?} is with two");
    // It is good for longer than any of them takes.
    let now = Time::from_millis(0);
    assert_eq!((claim.state_at(now), claim.payment_id), expected, "{claim:?}");
}

/// Whether there are tickets, or were.
fn paid(payment: &Payment) -> bool {
    !payment.ticket_ids().is_empty()
}

/// Compares with KakaoPay's books, order by order: a retry may have opened several for one payment.
fn check_money(payments: &[Payment], orders: Vec<Order>, kept: &[Kept]) {
    let ours: BTreeSet<_> = kept.iter().map(|kept| kept.fan.member_id.to_string()).collect();
    // For each payment, what KakaoPay has taken, and what is left of it there.
    let mut taken = BTreeMap::<PaymentId, (u64, u64)>::new();
    for order in orders.iter().filter(|order| ours.contains(&order.partner_user_id)) {
        let (all, left) = taken.entry(order.partner_order_id.parse().unwrap()).or_default();
        (*all, *left) = (*all + order.approved_amount, *left + order.net_amount);
    }
    for payment in payments {
        let (all, left) = taken.remove(&payment.id).unwrap_or_default();
        let cash = payment.amounts.cash.get();
        match payment.state {
            State::Approved if payment.booking().is_none() => {
                assert_eq!((all, left), (cash, cash), "points or a gift: {payment:?}");
            }
            _ if paid(payment) => {
                let gone = [payment.goes_back().cash.get(), payment.refunded.cash.get()];
                let open = payment.state == State::Refunding;
                let right =
                    gone.iter().take(if open { 2 } else { 1 }).any(|gone| left == cash - gone);
                assert!(all == cash && right, "{all} taken, {left} left: {payment:?}");
            }
            State::Refunded => {
                let refunded = payment.refunded.cash.get();
                assert_eq!((all, left), (refunded, 0), "not given back as told: {payment:?}");
            }
            _ if payment.is_unsettled() => {
                assert!(payment.due_at.is_some(), "nobody looks at it: {payment:?}");
            }
            _ => assert_eq!(left, 0, "charged without a ticket: {payment:?}"),
        }
    }
    let stray: Vec<_> = taken.iter().filter(|(_, (_, left))| *left > 0).collect();
    assert!(stray.is_empty(), "charged for payments that nobody knows: {stray:?}");
}

/// What is paid for an artist they have, and nothing else.
async fn check_gifts(shop: &Shop, payments: &[Payment]) {
    let gift = |payment: &Payment| match &payment.subject {
        Subject::Sponsorship(gift) => Some(SponsorshipKey::of(payment, gift)),
        _ => None,
    };
    let (payments, keys): (Vec<_>, Vec<_>) =
        payments.iter().filter_map(|payment| Some((payment, gift(payment)?))).unzip();
    let mut gifts = Vec::new();
    // So many in one call.
    for keys in keys.chunks(100) {
        gifts.extend(shop.store.read_all(keys).await.unwrap());
    }
    for (payment, given) in payments.iter().zip(gifts) {
        let amount = (payment.state == State::Approved).then_some(payment.amounts.cash);
        assert_eq!(given.map(|given| given.amount), amount, "{payment:?}");
    }
}

async fn check_stock(shop: &Shop, payments: &[Payment], waits: &[&Waiting]) -> Vec<Shard> {
    let mut expected = shop.opening.to_vec();
    for payment in payments {
        let Some(booking) = payment.booking() else { continue };
        let left: Vec<_> = payment.tickets_left().collect();
        for seats in booking.seats_of(&left) {
            let shard = &mut expected[usize::from(seats.number)];
            (shard.free, shard.sold) = (shard.free - seats.count, shard.sold + seats.count);
        }
        for seats in booking.seats.iter().filter(|_| payment.state.holds_stock()) {
            let shard = &mut expected[usize::from(seats.number)];
            (shard.free, shard.held) = (shard.free - seats.count, shard.held + seats.count);
        }
    }
    for seats in waits.iter().filter_map(|it| it.offer.as_ref()).flat_map(|offer| &offer.seats) {
        let shard = &mut expected[usize::from(seats.number)];
        (shard.free, shard.offered) = (shard.free - seats.count, shard.offered + seats.count);
    }
    let found = shop.store.read_all(&stock::keys(shop.event.id, shop.event.shards)).await.unwrap();
    let (takings, found): (Vec<_>, Vec<_>) =
        found.into_iter().flatten().map(|stock| (stock.takings, stock.shard)).unzip();
    assert_eq!(found, expected, "the stock");
    let cost = |payment: &Payment| {
        let price = payment.booking().map_or(0, |booking| booking.price.get());
        price * payment.tickets_left().count() as u64
    };
    let cost: u64 = payments.iter().map(cost).sum();
    assert_eq!(takings.iter().sum::<i64>(), cost as i64, "what the artist is told to earn");
    let all = |shard: &Shard| shard.free + shard.offered + shard.held + shard.sold;
    let seats: u32 = found.iter().map(all).sum();
    assert_eq!(seats, shop.event.capacity.get(), "free + offered + held + sold");
    found
}

mod tests {
    use domain::id::TicketId;
    use gateways::kakaopay::ApproveRequest;
    use store::{
        Write,
        sales::{payment::PaymentKey, points::earn, stock::StockKey, ticket::TicketKey},
    };

    use super::*;

    /// A shop with one payment of two tickets that is paid, and one that waits.
    async fn shop() -> (Shop, Payment, Payment) {
        let shop = Shop::open(10).await;
        let paid = shop.buy(shop.fan_with_purse().await, 2, "key").await.unwrap();
        shop.pay(&paid).await.unwrap();
        let waiting = shop.buy(shop.fan_with_purse().await, 2, "key").await.unwrap();
        let payment = async |id| shop.store.get(&PaymentKey(id)).await.unwrap().unwrap();
        let payments = (payment(paid.id).await, payment(waiting.id).await);
        (shop, payments.0, payments.1)
    }

    /// Each wrong entry that a bug could leave is found out.
    #[test]
    fn books_that_are_wrong_are_found_out() {
        type Mistake = fn(&Shop, &Payment, &Payment) -> Vec<Write>;
        let mistakes: [(&str, Mistake); 11] = [
            ("a ticket is lost", |_, paid, _| {
                vec![Write::delete(&TicketKey(paid.ticket_ids()[0]))]
            }),
            ("a ticket is doubled", |shop, paid, _| {
                vec![
                    Ticket::of(paid, paid.booking().unwrap(), TicketId::generate(), shop.now)
                        .create(),
                ]
            }),
            ("a ticket is unpaid", |shop, _, waiting| {
                vec![
                    Ticket::of(waiting, waiting.booking().unwrap(), TicketId::generate(), shop.now)
                        .create(),
                ]
            }),
            ("a seat appears", |shop, _, _| {
                vec![Write::update(&StockKey { event_id: shop.event.id, number: 0 }).add("free", 1)]
            }),
            ("a held seat is sold", |shop, _, _| {
                let shard = StockKey { event_id: shop.event.id, number: 0 };
                vec![Write::update(&shard).add("held", -1).add("sold", 1)]
            }),
            ("a counter is wrong", |shop, paid, _| {
                let key = BuyerKey { member_id: paid.member_id, event_id: shop.event.id };
                vec![Write::update(&key).add("tickets", -1)]
            }),
            ("a balance is not its transfers", |_, paid, _| {
                vec![Write::update(&BalanceKey(paid.member_id)).add("balance", 1)]
            }),
            ("points are spent for nothing", |_, _, waiting| {
                vec![waiting.set_aside.unwrap().post()]
            }),
            ("points are back while they are held", |_, _, waiting| {
                let points = waiting.amounts.points;
                waiting.set_aside.unwrap().void(waiting.member_id, points).into()
            }),
            ("a spent coupon is usable", |_, paid, _| {
                vec![paid.claim().unwrap().give_back(paid.id)]
            }),
            ("points are earned twice", |shop, paid, _| {
                earn(paid.member_id, paid.id, earned(paid.amounts.cash), shop.now)
            }),
        ];
        stack::run(async {
            for (name, mistake) in mistakes {
                let (shop, paid, waiting) = shop().await;
                check(&shop).await;
                for write in mistake(&shop, &paid, &waiting) {
                    shop.store.write(write, ()).await.unwrap();
                }
                assert!(tokio::spawn(async move { check(&shop).await }).await.is_err(), "{name}");
            }
        });
    }

    #[test]
    fn money_that_was_taken_for_nothing_is_found_out() {
        stack::run(async {
            let (shop, _, waiting) = shop().await;
            let order = waiting.order.as_ref().unwrap();
            let back = shop.simulator.decide(&order.pc, "approve").await.unwrap();
            let request = ApproveRequest {
                tid: &order.tid,
                payment: waiting.id,
                member: waiting.member_id,
                total: waiting.amounts.cash,
                pg_token: back.address.rsplit('=').next().unwrap(),
            };
            shop.kakaopay.approve(request).await.unwrap();
            assert!(tokio::spawn(async move { check(&shop).await }).await.is_err());
        });
    }
}
