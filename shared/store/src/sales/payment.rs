//! Payments. The item carries everything that a later step needs, so that no step depends on a second item.

use std::{fmt, time::Duration};

use domain::{
    event::{Place, Price, Quantity, RefundPolicy, Schedule, Title},
    id::{ClaimId, EventId, MemberId, PaymentId, TicketId},
    language::Language,
    payment::{Amounts, HistoryEntry, IllegalStep, ORDER_CLOSED_AFTER, Purpose, State, Step},
    points::{Spent, taken_back},
    refund::{self, Cause, Rate, Refunded, Rule, Share},
    sponsorship::Message,
    time::Time,
    won::{Percent, Won},
};
use serde::{Deserialize, Serialize};

use super::{by_event::shard_of_member, claim::ClaimKey, due::Due, points::SetAside, stock::Seats};
use crate::{
    Compare, Index, Page, Query, Start, Store, StoreFault, Streamed, Table, Write,
    catalog::on_sale::OnSale,
};

/// When a payment in between is first asked about: longer than a call to KakaoPay and all that follows it can take.
const FIRST_LOOK: Duration = Duration::from_secs(60);

/// How often what is paid is compared with KakaoPay's books, until its event is over.
const LOOKS: Duration = Duration::from_hours(24);

/// How long what was paid for no event is compared.
const LOOKED_AT: Duration = Duration::from_hours(30 * 24);

pub(crate) const BY_MEMBER: Index = Index {
    table: Table::Sales,
    name: Some("byMember"),
    partition: "memberKey",
    sort: "memberSort",
};

key!(
    /// Where a payment stands.
    #[derive(Copy)]
    pub struct PaymentKey(id: PaymentId) => Payment in Sales, pk("PAY#{id}"), sk("{}", Payment::SORT_KEY)
);

/// A text that opens something: no log shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(…)")
    }
}

/// What KakaoPay opened for a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// KakaoPay's id of it.
    pub tid: String,
    /// Where a browser on a computer pays.
    pub pc: String,
    /// Where a browser on a phone pays.
    pub mobile: String,
    /// Where an app's web view pays.
    pub app: String,
}

/// Tickets that go back together. Everything of it is settled when it begins, and never changes: whoever finishes it, however
/// late, gives back the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    /// Which tickets.
    pub ticket_ids: Vec<TicketId>,
    /// Why.
    pub cause: Cause,
    /// Of what was paid for them, this part goes back.
    pub percent: Percent,
    /// The rule that says so.
    pub rule: Rule,
    /// What goes back through KakaoPay.
    pub cash: Won,
    /// What goes back to the balance.
    pub points: Won,
    /// Whether the coupon goes back.
    pub coupon: bool,
    /// What was earned on that cash and is taken back.
    pub earned_taken_back: Won,
    /// When it began.
    #[serde(with = "domain::time::millis")]
    pub at: Time,
}

/// What is paid for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "purpose")]
pub enum Subject {
    /// Tickets of an event.
    #[serde(rename = "TICKETS")]
    Tickets(Booking),
    /// An artist is given something, for no ticket.
    #[serde(rename = "SPONSORSHIP")]
    Sponsorship(Gift),
    /// Points are bought.
    #[serde(rename = "POINTS")]
    Points,
    /// What only a newer program sells.
    #[serde(other)]
    Unknown,
}

/// Seats of an event, on the terms that the buyer was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Booking {
    /// The event.
    pub event_id: EventId,
    /// Whose event it is.
    pub artist_id: MemberId,
    /// What it was called when it was bought.
    pub event_title: Title,
    /// Where it takes place.
    pub place: Place,
    /// When it takes place and is sold.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// What goes back, and when.
    pub refund_policy: RefundPolicy,
    /// The terms that the buyer was shown.
    pub terms_version: u32,
    /// What one ticket costs.
    pub price: Price,
    /// How many tickets.
    pub quantity: Quantity,
    /// The seats, by shard: known once they are taken.
    #[serde(default)]
    pub seats: Vec<Seats>,
    /// The tickets, once it is approved.
    #[serde(default)]
    pub ticket_ids: Vec<TicketId>,
}

/// What an artist is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gift {
    /// Whom.
    pub artist_id: MemberId,
    /// With which words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
}

impl From<Booking> for Subject {
    fn from(booking: Booking) -> Self {
        Self::Tickets(booking)
    }
}

impl Subject {
    /// What it is paid for, in a word.
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::Tickets(_) => Purpose::Tickets,
            Self::Sponsorship(_) => Purpose::Sponsorship,
            Self::Points => Purpose::Points,
            Self::Unknown => Purpose::Unknown,
        }
    }

    /// Whose event it is, or who is given something.
    pub const fn artist_id(&self) -> Option<MemberId> {
        match self {
            Self::Tickets(booking) => Some(booking.artist_id),
            Self::Sponsorship(gift) => Some(gift.artist_id),
            Self::Points | Self::Unknown => None,
        }
    }
}

impl Booking {
    /// Tickets of an event as it is sold now.
    pub fn of(event: &OnSale, quantity: Quantity) -> Self {
        Self {
            event_id: event.id,
            artist_id: event.artist_id,
            event_title: event.title.clone(),
            place: event.place.clone(),
            schedule: event.schedule,
            refund_policy: event.refund_policy,
            terms_version: event.terms_version,
            price: event.price,
            quantity,
            seats: Vec::new(),
            ticket_ids: Vec::new(),
        }
    }

    /// The place of a ticket among all that were bought, which says what share of the price is its own.
    fn place_of(&self, id: TicketId) -> Option<u32> {
        (0..).zip(&self.ticket_ids).find_map(|(place, own)| (*own == id).then_some(place))
    }

    /// The seats of some of its tickets, by shard: the n-th ticket has the n-th seat.
    pub fn seats_of(&self, ticket_ids: &[TicketId]) -> Vec<Seats> {
        let numbers = self.seats.iter().flat_map(|seats| (0..seats.count).map(|_| seats.number));
        let numbers = numbers.zip(&self.ticket_ids).filter(|(_, id)| ticket_ids.contains(id));
        let mut seats = Vec::<Seats>::new();
        for (number, _) in numbers {
            match seats.iter_mut().find(|seats| seats.number == number) {
                Some(seats) => seats.count += 1,
                None => seats.push(Seats { number, count: 1 }),
            }
        }
        seats
    }
}

/// What is paid, by whom, for what, and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// Its id; KakaoPay's `partner_order_id`.
    pub id: PaymentId,
    /// The buyer.
    pub member_id: MemberId,
    /// What is paid for.
    #[serde(flatten)]
    pub subject: Subject,
    /// Who pays how much of it.
    #[serde(flatten)]
    pub amounts: Amounts,
    /// The claimed coupon that takes its part off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_id: Option<ClaimId>,
    /// The points, as they were set aside last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<SetAside>,
    /// In which language its buyer is written to: that of the purchase.
    #[serde(default)]
    pub language: Language,
    /// How far it has come.
    pub state: State,
    /// Every step it took.
    pub history: Vec<HistoryEntry>,
    /// When an unpaid one gives everything back.
    #[serde(with = "domain::time::millis")]
    pub hold_ends_at: Time,
    /// Proves that whoever comes back from KakaoPay was sent there by us.
    pub return_token: Secret,
    /// What KakaoPay opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// What the buyer brought back from KakaoPay. Kept while the outcome is open, so that an approval whose process died can be
    /// asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pg_token: Option<Secret>,
    /// KakaoPay's id of the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aid: Option<String>,
    /// How often a worker took it in hand since its last step.
    #[serde(default)]
    pub attempts: u32,
    /// Whether the workers have come to the end of what they can do alone. They go on trying.
    #[serde(default)]
    pub needs_person: bool,
    /// What went back.
    #[serde(default)]
    pub refunded: Refunded,
    /// The tickets that went back, or go: the last one while the payment is `REFUNDING`.
    #[serde(default)]
    pub refunds: Vec<Refund>,
    /// Rises with each change; every change checks it.
    pub version: u64,
    /// When it was made.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    /// When it was changed last.
    #[serde(with = "domain::time::millis")]
    pub updated_at: Time,
    /// When it has to be looked at, if nobody does before.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub due_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_key: Option<String>,
    member_key: String,
    member_sort: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_key: Option<String>,
}

impl Streamed for Payment {
    const SORT_KEY: &'static str = "PAYMENT";
}

impl Payment {
    /// A payment that starts with its hold.
    pub fn reserved(
        member_id: MemberId,
        subject: Subject,
        amounts: Amounts,
        hold_ends_at: Time,
        return_token: Secret,
        now: Time,
    ) -> Self {
        let id = PaymentId::generate();
        let event_key = match &subject {
            Subject::Tickets(booking) => {
                Some(partition_of_event(booking.event_id, shard_of_member(member_id)))
            }
            _ => None,
        };
        let mut payment = Self {
            id,
            member_id,
            subject,
            amounts,
            claim_id: None,
            set_aside: None,
            language: Language::default(),
            state: State::Reserved,
            history: vec![HistoryEntry { step: Step::Reserve, at: now }],
            hold_ends_at,
            return_token,
            order: None,
            pg_token: None,
            aid: None,
            attempts: 0,
            needs_person: false,
            refunded: Refunded::default(),
            refunds: Vec::new(),
            version: 1,
            created_at: now,
            updated_at: now,
            due_at: None,
            due_key: None,
            member_key: partition(member_id),
            member_sort: id.to_string(),
            event_key,
        };
        payment.fall_due(Step::Reserve, now);
        payment
    }

    /// What is booked by it, if it is paid for tickets.
    pub const fn booking(&self) -> Option<&Booking> {
        match &self.subject {
            Subject::Tickets(booking) => Some(booking),
            _ => None,
        }
    }

    /// Its tickets, if there are some.
    pub fn ticket_ids(&self) -> &[TicketId] {
        self.booking().map_or(&[], |booking| &booking.ticket_ids)
    }

    /// How many tickets it is for.
    pub fn quantity(&self) -> u32 {
        self.booking().map_or(0, |booking| booking.quantity.get())
    }

    /// The payment with the seats that it holds.
    pub fn with_seats(&self, taken: &[Seats]) -> Self {
        let mut payment = self.clone();
        if let Subject::Tickets(booking) = &mut payment.subject {
            booking.seats = taken.to_vec();
        }
        payment
    }

    /// The payment after a step: state, history, version, and when it is due.
    ///
    /// # Errors
    /// When the step is not legal in its state.
    pub fn after(&self, step: Step, now: Time) -> Result<Self, IllegalStep> {
        let mut next = self.touched(now);
        next.state = self.state.after(step)?;
        next.history.push(HistoryEntry { step, at: now });
        next.attempts = 0;
        next.needs_person = false;
        if !next.state.is_in_between() {
            next.pg_token = None;
        }
        next.fall_due(step, now);
        Ok(next)
    }

    /// The payment after a worker took it in hand: due again after a while, should nothing come of it.
    pub fn attempted(&self, wait: Duration, needs_person: bool, now: Time) -> Self {
        let mut next = self.touched(now);
        next.attempts = self.attempts.saturating_add(1);
        next.needs_person = needs_person;
        next.due_at = Some(now.plus(wait));
        next
    }

    /// The payment after the last look at it: nobody has to look again.
    pub fn closed(&self, now: Time) -> Self {
        let (attempts, needs_person, due_at, due_key) = Default::default();
        Self { attempts, needs_person, due_at, due_key, ..self.touched(now) }
    }

    /// The claimed coupon that it holds or has spent.
    pub fn claim(&self) -> Option<ClaimKey> {
        self.claim_id.map(|id| ClaimKey { member_id: self.member_id, id })
    }

    /// Of the points that a refund returns, which comes after all those before it: how many were bought.
    pub fn returns(&self, refund: &Refund) -> Spent {
        let bought = self.set_aside.map(|it| it.bought).unwrap_or_default();
        let spent = Spent { points: self.amounts.points, bought };
        spent.returns(self.goes_back().points, refund.points)
    }

    /// The payment after it was compared with KakaoPay's books: due again in a day, the last time when its event is over.
    pub fn looked_at(&self, needs_person: bool, now: Time) -> Self {
        let mut next = Self { needs_person, ..self.touched(now) };
        let again = next.next_look(now);
        (next.due_key, next.due_at) = (again.and(next.due_key), again);
        next
    }

    /// The payment after KakaoPay did not say what its books are: due again in a day, whether its event is over or not.
    pub fn not_looked_at(&self, now: Time) -> Self {
        Self { due_at: Some(now.plus(LOOKS)), ..self.touched(now) }
    }

    fn next_look(&self, now: Time) -> Option<Time> {
        let end = match &self.subject {
            Subject::Tickets(booking) => booking.schedule.ends_at(),
            _ => self.bought_at().plus(LOOKED_AT),
        };
        (now < end).then(|| end.min(now.plus(LOOKS)))
    }

    /// Whether it is paid in cash, and KakaoPay keeps some of it.
    fn is_kept(&self) -> bool {
        let paid = matches!(self.state, State::Approved | State::PartiallyRefunded);
        paid && self.order.is_some()
    }

    /// When it was paid; while it is not, when it was made.
    pub fn bought_at(&self) -> Time {
        let paid = |entry: &&HistoryEntry| matches!(entry.step, Step::Approve | Step::ApproveFree);
        self.history.iter().find(paid).map_or(self.created_at, |entry| entry.at)
    }

    /// The tickets that did not go back.
    pub fn tickets_left(&self) -> impl Iterator<Item = TicketId> {
        let gone =
            |id: &&TicketId| self.refunds.iter().any(|refund| refund.ticket_ids.contains(id));
        self.ticket_ids().iter().filter(move |id| !gone(id)).copied()
    }

    /// What would go back at a time: for some of its tickets, of those that are left; of what has none, all.
    ///
    /// # Errors
    /// When nothing goes back by the terms it was bought on.
    pub fn refund(
        &self,
        ticket_ids: Vec<TicketId>,
        cause: Cause,
        now: Time,
    ) -> Result<Refund, refund::Refused> {
        let rule = match &self.subject {
            Subject::Tickets(booking) => {
                return self.refund_of_tickets(booking, ticket_ids, cause, now);
            }
            Subject::Sponsorship(_) => Rule::NotSettled,
            Subject::Points => Rule::Unused,
            Subject::Unknown => return Err(refund::Refused::TermsUnknown),
        };
        Ok(Refund {
            ticket_ids,
            cause,
            percent: Percent::ALL,
            rule,
            cash: self.amounts.cash,
            points: Won::ZERO,
            coupon: false,
            earned_taken_back: Won::ZERO,
            at: now,
        })
    }

    fn refund_of_tickets(
        &self,
        booking: &Booking,
        ticket_ids: Vec<TicketId>,
        cause: Cause,
        now: Time,
    ) -> Result<Refund, refund::Refused> {
        let (policy, schedule) = (booking.refund_policy, &booking.schedule);
        let Rate { percent, rule } = refund::rate(policy, schedule, self.bought_at(), now, cause)?;
        let places: Vec<_> = ticket_ids.iter().filter_map(|id| booking.place_of(*id)).collect();
        let before = &self.refunded;
        let back = refund::amounts(&self.amounts, booking.quantity, before, &places, percent);
        let kept = Won::new(self.amounts.cash.get().saturating_sub(before.cash.get()));
        // No more goes back than is kept, so there is always an answer.
        let earned_taken_back = taken_back(kept, back.share.cash).unwrap_or_default();
        let Share { points, cash } = back.share;
        let coupon = back.coupon && !self.amounts.coupon.is_zero();
        Ok(Refund {
            ticket_ids,
            cause,
            percent,
            rule,
            cash,
            points,
            coupon,
            earned_taken_back,
            at: now,
        })
    }

    /// What will have gone back once its last refund is over.
    pub fn goes_back(&self) -> Refunded {
        self.refunds.iter().fold(Refunded::default(), |all, refund| {
            let Refund { points, cash, percent, .. } = *refund;
            all.and(refund.ticket_ids.len() as u32, Share { points, cash }, percent)
        })
    }

    /// The payment after its last refund is over.
    ///
    /// # Errors
    /// When the step is not legal in its state.
    pub fn refund_done(&self, now: Time) -> Result<Self, IllegalStep> {
        let none_left = self.tickets_left().next().is_none();
        let step = if none_left { Step::FinishRefund } else { Step::FinishPartialRefund };
        Ok(Self { refunded: self.goes_back(), ..self.after(step, now)? })
    }

    fn touched(&self, now: Time) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self.clone() }
    }

    fn fall_due(&mut self, step: Step, now: Time) {
        let due = if self.state.can_expire() {
            Some((Due::Hold, self.hold_ends_at))
        } else if self.state.is_in_between() {
            Some((Due::Reconcile, now.plus(FIRST_LOOK)))
        } else if step == Step::Decline {
            // KakaoPay was told to take the money. One last look makes sure that it has not.
            Some((Due::Reconcile, now.plus(ORDER_CLOSED_AFTER)))
        } else if self.is_kept() {
            self.next_look(now).map(|at| (Due::Look, at))
        } else {
            None
        };
        self.due_key = due.map(|(due, _)| due.key_of(self.id));
        self.due_at = due.map(|(_, at)| at);
    }

    /// Whether it is to be compared with KakaoPay's books by now.
    pub fn is_to_look_at(&self, now: Time) -> bool {
        self.is_kept() && self.due_at.is_some_and(|due| due <= now)
    }

    /// Whether KakaoPay has yet to be asked how it went, when it is due: the reconciler's work.
    pub fn is_unsettled(&self) -> bool {
        self.state.is_in_between() || self.state == State::Failed && self.due_at.is_some()
    }

    /// Whether money may still come of it, or go back: a hold that is past may be paid until KakaoPay closes its order.
    pub fn may_move(&self, now: Time) -> bool {
        let closed = self.hold_ends_at.plus(ORDER_CLOSED_AFTER) <= now;
        match self.state {
            State::Expired => self.order.is_some() && !closed,
            state => state.can_expire() || self.is_unsettled() || state == State::Unknown,
        }
    }

    /// Writes what the payment has become, unless it was changed meanwhile.
    pub fn becomes(&self, next: &Self) -> Write {
        Write::change(&PaymentKey(self.id), self, next).when(
            "version",
            Compare::Equal,
            self.version,
        )
    }

    /// Writes a new payment.
    pub fn create(&self) -> Write {
        Write::create(&PaymentKey(self.id), self)
    }

    /// The state as a reader has to take it: a hold that is past has ended, even if nobody has written that yet.
    pub fn state_at(&self, now: Time) -> State {
        if self.state.can_expire() && self.hold_ends_at <= now {
            State::Expired
        } else {
            self.state
        }
    }
}

/// Makes a payment due later that cannot be read: nothing else of it is touched.
pub fn postpone(id: PaymentId, until: Time) -> Write {
    Write::update(&PaymentKey(id)).set("dueAt", until.millis()).when_present("dueAt")
}

/// A member's payments, the newest first.
pub(crate) fn of_member(member_id: MemberId, limit: u32) -> Query {
    Query::new(BY_MEMBER, partition(member_id), limit).backwards()
}

fn partition(member_id: MemberId) -> String {
    format!("MEM#{member_id}#PAY")
}

fn partition_of_event(event_id: EventId, shard: u8) -> String {
    format!("EVT#{event_id}#PAY#{shard}")
}

impl Store {
    /// A member's payments, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn payments_of(
        &self,
        member_id: MemberId,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Payment>, StoreFault> {
        self.query(of_member(member_id, limit).after(start)).await
    }

    /// The payments of one shard (0 to 7) of an event, at most 100, each member's together.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn payments_of_event(
        &self,
        event_id: EventId,
        shard: u8,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Payment>, StoreFault> {
        self.of_event::<PaymentKey>(partition_of_event(event_id, shard), limit, start).await
    }
}
