//! Worker on the queue of refunds that no buyer asked for: gives all that was bought of a cancelled event back, at KakaoPay's pace.
//!
//! The event's payments are walked round after round, until nothing is open. How far it is stands in one item, so whoever dies over
//! a page leaves it to the next, and of two who are at one page only one goes on from there. A purchase that is done is found done.

use std::time::{Duration, Instant};

use api::Worker;
use aws::{Connect, ConnectError, variable};
use domain::{
    event::{self, Progress},
    fault::{Fault, Kind},
    id::{EventId, PaymentId, TicketId},
    payment::State,
    refund::Cause,
    time::Time,
};
use futures::future::join_all;
use gateways::{Kakaopay, Pace, Queue, RefundRequested, queue::NotSent, refunds::Requested};
use sales::{SalesFault, take_back, undo};
use store::{
    Store, StoreFault,
    catalog::on_sale::OnSaleKey,
    sales::{
        by_event::SHARDS,
        event_refunds::{EventRefunds, EventRefundsKey},
        payment::{Payment, PaymentKey, Subject},
        stock,
    },
};

/// So many payments are read at once, at most.
const MOST: f64 = 100.0;

/// How long pages are begun with one message. All of a page, with what KakaoPay takes for it, is done within the function's time.
const BUDGET: Duration = Duration::from_secs(20);

/// How long the next round waits while something is open; each wait is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(900);

/// After so many rounds, some hours, a person is called to what is still open, such as seats that nobody is found to have.
const PERSON_AFTER: u32 = 20;

/// When what is being approved is looked at again.
const SOON: Duration = Duration::from_secs(60);

/// The database, KakaoPay, and where the rest is sent.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    kakaopay: Kakaopay,
    queue: Queue<RefundRequested>,
    /// How many refunds a second.
    rate: f64,
}

impl Connect for Clients {
    /// `REFUND_RATE`: how many purchases of one event are given back in a second.
    async fn connect() -> Result<Self, ConnectError> {
        let (store, kakaopay, queue) = <(Store, Kakaopay, Queue<_>)>::connect().await?;
        Ok(Self { store, kakaopay, queue, rate: variable("REFUND_RATE")?.parse()? })
    }
}

/// Why a message comes again.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A payment could not be moved.
    #[error(transparent)]
    Sales(#[from] SalesFault),
    /// The database's trouble.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The rest could not be sent on.
    #[error(transparent)]
    NotSent(#[from] NotSent),
}

/// Gives back what a message names, or a part of it, and sends the rest on.
///
/// # Errors
/// When it has to come again.
pub async fn handle(clients: Clients, message: RefundRequested) -> Result<(), Failure> {
    let now = Time::now();
    let wait = match &message.detail {
        Requested::Purchase { payment_id, cause, ticket_ids, .. } => {
            clients.purchase(*payment_id, *cause, ticket_ids, now).await?
        }
        Requested::Event { event_id } => clients.go_on(*event_id, now).await?,
    };
    if let Some(wait) = wait {
        clients.queue.send(&message, wait).await?;
    }
    Ok(())
}

impl Clients {
    /// With so many refunds a second.
    pub fn new(store: Store, kakaopay: Kakaopay, queue: Queue<RefundRequested>, rate: f64) -> Self {
        Self { store, kakaopay, queue, rate }
    }

    /// Gives tickets of one purchase back; what is only being approved, or waits for another refund of it, comes again.
    async fn purchase(
        &self,
        id: PaymentId,
        cause: Cause,
        ticket_ids: &[TicketId],
        now: Time,
    ) -> Result<Option<Duration>, Failure> {
        let payment = self.store.get(&PaymentKey(id)).await?;
        let payment = payment.ok_or(SalesFault::PaymentNotFound)?;
        let Self { store, kakaopay, .. } = self;
        let payment = match payment.state {
            State::Approved | State::PartiallyRefunded if !ticket_ids.is_empty() => {
                take_back(store, kakaopay, payment, ticket_ids.to_vec(), cause, now).await?
            }
            _ => undo(store, kakaopay, payment, cause, now).await?,
        };
        let waits = match payment.state {
            State::Approving => true,
            State::Refunding => {
                payment.tickets_left().any(|id| ticket_ids.is_empty() || ticket_ids.contains(&id))
            }
            _ => false,
        };
        Ok(waits.then_some(SOON))
    }

    /// Goes on with the refunds of a cancelled event, and says when there is more to do.
    ///
    /// # Errors
    /// As [`handle`].
    pub async fn go_on(&self, id: EventId, now: Time) -> Result<Option<Duration>, Failure> {
        let keys = (EventRefundsKey(id), OnSaleKey(id));
        let (found, event) = self.store.read(&keys).await?;
        let Some(event) = event.filter(|event| event.state == event::State::Cancelled) else {
            tracing::warn!(event_id = %id, "the event is not cancelled: nothing goes back");
            return Ok(None);
        };
        let mut refunds = match found {
            None => {
                let mut first = EventRefunds::new(id, event.artist_id, now);
                if !self.store.refunds_go_on(None, &mut first, now).await? {
                    return Ok(Some(Duration::ZERO));
                }
                first
            }
            Some(refunds) if refunds.state == Progress::Done => return Ok(None),
            // Whoever asks again has seen to what failed.
            Some(refunds) if refunds.state == Progress::NeedsPerson => {
                let mut next = refunds.next_round();
                if !self.store.refunds_go_on(Some(&refunds), &mut next, now).await? {
                    return Ok(Some(Duration::ZERO));
                }
                next
            }
            Some(refunds) => refunds,
        };
        let (began, pace) = (Instant::now(), Pace::of(self.rate));
        while began.elapsed() < BUDGET {
            let mut next = self.page(&refunds, &pace, now).await?;
            let round_is_over = next.shard == SHARDS;
            let mut wait = Duration::ZERO;
            if round_is_over {
                let left = self.seats_left(id, event.shards).await?;
                (next, wait) = after_round(next, left);
            }
            if !self.store.refunds_go_on(Some(&refunds), &mut next, now).await? {
                // Somebody else is at it, and sends the rest on, unless they die: so it is looked at again.
                return Ok(Some(LONGEST_WAIT));
            }
            if next.state == Progress::NeedsPerson {
                tracing::error!(
                    metric = "NeedsPerson",
                    event_id = %id,
                    failed = next.last.failed,
                    "refunds of a cancelled event need a person"
                );
            }
            if next.state != Progress::Running {
                return Ok(None);
            }
            if !wait.is_zero() {
                return Ok(Some(wait));
            }
            refunds = next;
        }
        Ok(Some(Duration::ZERO))
    }

    /// Does the next page of payments that there are, and answers how far it is then.
    async fn page(
        &self,
        refunds: &EventRefunds,
        pace: &Pace,
        now: Time,
    ) -> Result<EventRefunds, Failure> {
        let gives_back = refunds.round > 0;
        // As many as the pace lets be done in the time there is.
        let limit = (self.rate * BUDGET.as_secs_f64()).clamp(1.0, MOST) as u32;
        let mut next = refunds.clone();
        let mut is_empty = true;
        while is_empty && next.shard < SHARDS {
            let start = next.start.take();
            let page = self.store.payments_of_event(next.event_id, next.shard, limit, start);
            let page = page.await?;
            is_empty = page.items.is_empty();
            let all = page.items.into_iter().map(|it| self.one(it, gives_back, pace, now));
            for done in join_all(all).await {
                let (payment, fault) = done?;
                count(&mut next, &payment, fault);
            }
            next.start = page.next;
            if next.start.is_none() {
                next.shard += 1;
            }
        }
        Ok(next)
    }

    /// Does what is to be done about one payment in this round. What is wrong with it alone keeps no other from its money.
    async fn one(
        &self,
        payment: Payment,
        gives_back: bool,
        pace: &Pace,
        now: Time,
    ) -> Result<(Payment, Option<&'static str>), Failure> {
        let is_to_do = match payment.state {
            State::Reserved | State::Ready => true,
            State::Approved | State::PartiallyRefunded => gives_back,
            // The reconciler is at it, until it calls a person.
            State::Refunding => gives_back && payment.needs_person,
            _ => false,
        };
        if !is_to_do {
            return Ok((payment, None));
        }
        pace.turn().await;
        let Self { store, kakaopay, .. } = self;
        let found = payment.clone();
        match undo(store, kakaopay, payment, Cause::EventCancelled, now).await {
            Ok(payment) => Ok((payment, None)),
            Err(fault) if matches!(fault.code().kind, Kind::Unavailable | Kind::Unknown) => {
                Err(fault.into())
            }
            Err(fault) => {
                tracing::error!(payment_id = %found.id, error = %fault, "a purchase of a cancelled event can't be given back");
                Ok((found, Some(fault.code().name)))
            }
        }
    }

    /// Seats that are held or sold.
    async fn seats_left(&self, id: EventId, shards: u16) -> Result<u32, StoreFault> {
        let stock = self.store.read_all(&stock::keys(id, shards.max(1))).await?;
        Ok(stock.iter().flatten().map(|stock| stock.shard.held + stock.shard.sold).sum())
    }
}

/// Counts a payment as it was left.
fn count(refunds: &mut EventRefunds, payment: &Payment, fault: Option<&'static str>) {
    let called_off = payment.refunds.iter().any(|it| it.cause == Cause::EventCancelled);
    let unknown = payment.subject == Subject::Unknown || payment.state == State::Unknown;
    match payment.state {
        _ if unknown => {
            refunds.found.total += 1;
            refunds.failed(payment.id, "NEWER");
        }
        State::Refunded if called_off => {
            refunds.found.total += 1;
            refunds.found.done += 1;
        }
        State::Approving | State::Approved | State::PartiallyRefunded | State::Refunding => {
            refunds.found.total += 1;
            match fault {
                Some(reason) => refunds.failed(payment.id, reason),
                None if payment.needs_person => refunds.failed(payment.id, "UNSETTLED"),
                None => {}
            }
        }
        // It was never paid, or its buyer had their money back before.
        _ => {}
    }
}

/// What comes after a whole round, and when; `left` are the seats that are held or sold.
fn after_round(round: EventRefunds, left: u32) -> (EventRefunds, Duration) {
    let open = round.found.open();
    let number = round.round;
    if number == 0 {
        return (round.next_round(), Duration::ZERO);
    }
    // With failures the seats say nothing, so the index had a minute to name what was held last.
    let is_over = open == 0 && (left == 0 || round.found.failed > 0 && number > 1);
    if !is_over && !number.is_multiple_of(PERSON_AFTER) {
        let wait = FIRST_WAIT.saturating_mul(1 << number.saturating_sub(1).min(4));
        return (round.next_round(), wait.min(LONGEST_WAIT));
    }
    let clean = is_over && round.found.failed == 0;
    let state = if clean { Progress::Done } else { Progress::NeedsPerson };
    (EventRefunds { state, last: round.found, shard: 0, start: None, ..round }, Duration::ZERO)
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}

#[cfg(test)]
mod tests {
    use domain::{
        id::MemberId,
        payment::{Step, amounts},
        won::Won,
    };
    use gateways::{
        Limits,
        kakaopay::{Config, Key},
    };
    use stack::OwnQueue;
    use store::{
        Key as _, Transaction, Write,
        catalog::event::Event,
        identity::follow::FollowerKey,
        sales::{
            buyer::BuyerKey,
            event_refunds::Tally,
            payment::{Booking, Secret},
            stock::{Seats, Stock, StockKey},
            ticket::Ticket,
        },
    };

    use super::*;

    /// A cancelled event at no price with one buyer, and a worker over its tables by this client.
    async fn cancelled(client: store::Client) -> (Event, Clients) {
        let (store, now) = (Store::new(stack::dynamo(), stack::prefix()), Time::now());
        let event = Event { price: 0.try_into().unwrap(), ..stack::event(50, now) };
        let (mut buyer, quantity) = (MemberId::generate(), 1.try_into().unwrap());
        // In the first shard of an event's payments, as of an artist's followers.
        let is_first = |id: MemberId| {
            let follower = FollowerKey { artist_id: id, member_id: id };
            follower.pair().0.ends_with("#0")
        };
        while !is_first(buyer) {
            buyer = MemberId::generate();
        }
        let amounts = amounts(event.price, quantity, None, Won::ZERO).unwrap();
        let token = Secret("token".into());
        let mut booking = Booking::of(&(&event).into(), quantity);
        booking.seats = vec![Seats { number: 0, count: 1 }];
        booking.ticket_ids = vec![TicketId::generate()];
        let held = Payment::reserved(buyer, booking.clone().into(), amounts, now, token, now);
        let paid = held.after(Step::ApproveFree, now).unwrap();
        let shard = domain::stock::Shard { sold: 1, ..domain::stock::Shard::of_free(0, 49) };
        let stock =
            Stock { event_id: event.id, shard, sale: event.sale(), takings: 0, waited_for: false };
        let writes = event.create().into_iter().chain([
            Write::create(&StockKey { event_id: event.id, number: 0 }, &stock),
            Write::update(&BuyerKey { member_id: buyer, event_id: event.id }).add("tickets", 1),
            Ticket::of(&paid, &booking, booking.ticket_ids[0], now).create(),
            paid.create(),
        ]);
        store.transact(writes.fold(Transaction::<()>::new(), Transaction::also)).await.unwrap();
        store.cancel_event(event.id, now).await.unwrap();
        let nobody = Config {
            url: "http://127.0.0.1:1".into(),
            cid: "TC0ONETIME".into(),
            key: Key::Known("key".into()),
            limits: Limits::default(),
        };
        let queue = Queue::new(
            &stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap()),
            OwnQueue::new().await.url,
        );
        let store = Store::new(client, stack::prefix());
        (event, Clients::new(store, Kakaopay::new(nobody).unwrap(), queue, 1_000.0))
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let (event, clients) = cancelled(client).await;
            assert_eq!(clients.go_on(event.id, Time::now()).await.unwrap(), None);
            let calls = meter.take();
            stack::assert_operation("refund_buyers, of one free ticket", &calls);
            assert_eq!(clients.go_on(event.id, Time::now()).await.unwrap(), None);
            stack::assert_operation("refund_buyers, done", &meter.take());
        });
    }

    /// What a whole round found, the number of the round, and the seats that are left.
    fn after(number: u32, [total, done, failed]: [u32; 3], left: u32) -> (Progress, u32, u64) {
        let mut round = EventRefunds::new(EventId::generate(), MemberId::generate(), Time::now());
        (round.round, round.found) = (number, Tally { total, done, failed });
        let (next, wait) = after_round(round, left);
        (next.state, next.round, wait.as_secs())
    }

    #[test]
    fn rounds_go_on_until_nothing_is_open_and_no_seat_is_left_or_a_person_has_to_see_to_it() {
        use Progress::{Done, NeedsPerson, Running};
        for (number, found, left, next) in [
            (0, [9, 0, 0], 9, (Running, 1, 0)),
            (1, [9, 9, 0], 0, (Done, 1, 0)),
            (1, [9, 8, 0], 0, (Running, 2, 60)),
            (2, [9, 8, 0], 0, (Running, 3, 120)),
            (9, [9, 8, 0], 0, (Running, 10, 900)),
            (1, [9, 8, 1], 1, (Running, 2, 60)),
            (2, [9, 8, 1], 1, (NeedsPerson, 2, 0)),
            (1, [9, 7, 1], 1, (Running, 2, 60)),
            // Somebody has seats whom the index does not know yet.
            (1, [9, 9, 0], 2, (Running, 2, 60)),
            (20, [9, 9, 0], 2, (NeedsPerson, 20, 0)),
            (20, [9, 8, 0], 0, (NeedsPerson, 20, 0)),
        ] {
            assert_eq!(after(number, found, left), next, "{number} {found:?} {left}");
        }
    }
}
