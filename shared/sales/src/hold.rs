use std::time::Duration;

use aws::{Connect, ConnectError, variable};
use domain::{
    coupon::ClaimState,
    event::{Quantity, TermsVersion},
    id::{ClaimId, EventId, MemberId, OfferId, PaymentId},
    language::Language,
    payment::{Amounts, LumpSum, State, Step, amounts},
    queue::QueueTicket,
    sponsorship::Message,
    time::Time,
    won::Won,
};
use gateways::kakaopay::{self, Kakaopay, ReadyRequest};
use store::{
    Keys, Rejected, Relaxed, Store, Transaction, Write,
    catalog::on_sale::{OnSale, OnSaleKey},
    ephemeral::{
        idempotency::{IdempotencyFault, LEASE},
        rate::{self, Rule},
    },
    identity::{
        member::{Member, MemberKey},
        session::SignedIn,
    },
    sales::{
        buyer::{self, Buyer, BuyerKey},
        claim::{Claim, ClaimKey},
        payment::{Booking, Gift, Order, Payment, Secret, Subject},
        points::{Balance, BalanceKey},
        purchase::{self, PurchaseKey, PurchaseRecord},
        queue::QueueKey,
        sold_out::{SoldOut, SoldOutKey},
        stock::Seats,
        waiting::{Offer, Waiting, WaitingKey},
    },
};

use crate::{
    Lack, SalesFault, Unmet, as_told, expire, find, on_sale,
    queue::{look_out, may_pass},
    seats::{NotTaken, Wanted},
    settle::{self, ROUNDS},
    spending,
};

/// How many purchases one member may try.
pub(crate) const BY_MEMBER: Rule =
    Rule { name: "purchase", limit: 30, window: Duration::from_secs(60) };

/// How many all those behind one address may try: carriers put many people behind one.
pub(crate) const FROM_ADDRESS: Rule =
    Rule { name: "purchase_from", limit: 120, window: Duration::from_secs(60) };

/// Among how many of a buyer's payments those are looked for that fill the limit of an event.
const NEWEST: u32 = 20;

/// What an installation settles about holds.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How long an unpaid purchase keeps its seats.
    pub hold: Duration,
    /// The base of the addresses that KakaoPay sends the buyer back to, without a slash at its end.
    pub public_url: String,
}

impl Connect for Terms {
    /// The terms that the environment names (`HOLD_SECONDS`, `PUBLIC_URL`).
    async fn connect() -> Result<Self, ConnectError> {
        let hold = Duration::from_secs(variable("HOLD_SECONDS")?.parse()?);
        Ok(Self { hold, public_url: variable("PUBLIC_URL")? })
    }
}

/// What a buyer asks for.
#[derive(Clone, Debug)]
pub struct Purchase {
    /// The buyer, whose session is read together with the rest.
    pub buyer: SignedIn,
    /// From which network address.
    pub address: String,
    /// What it is that they want.
    pub wants: Wants,
    /// In which language the buyer is written to.
    pub language: Language,
    /// The request's `Idempotency-Key`.
    pub key: String,
    /// The hash of what was asked for.
    pub body_hash: String,
}

/// What is bought.
#[derive(Clone, Debug)]
pub enum Wants {
    /// Tickets.
    Tickets(Tickets),
    /// To give an artist something.
    Sponsorship {
        /// Whom.
        artist_id: MemberId,
        /// How much.
        amount: LumpSum,
        /// With which words.
        message: Option<Message>,
    },
    /// So many points.
    Points(LumpSum),
}

/// Tickets, and what they are paid with besides money.
#[derive(Clone, Copy, Debug)]
pub struct Tickets {
    /// Of what.
    pub event_id: EventId,
    /// How many.
    pub quantity: Quantity,
    /// The claimed coupon that is to take its part off.
    pub claim_id: Option<ClaimId>,
    /// How many points are to be spent.
    pub points: Won,
    /// What of the waiting list's is taken, if it is.
    pub offer_id: Option<OfferId>,
    /// The number that was taken for it, if one was.
    pub queue_ticket: Option<QueueTicket>,
    /// The terms that the buyer was shown, if they say so.
    pub terms_version: Option<TermsVersion>,
}

/// A purchase as it is now: what it holds, and where to pay it while it waits for that.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The payment.
    pub payment_id: PaymentId,
    /// `READY`, or `APPROVED` when there was nothing to pay; for a key that comes again, whatever has become of it.
    pub state: State,
    /// What it costs, and who pays it.
    pub amounts: Amounts,
    /// When an unpaid one gives everything back.
    pub hold_ends_at: Time,
    /// Where to pay; none when there is nothing to pay, or no longer.
    pub order: Option<Order>,
}

impl Held {
    fn of(payment: Payment) -> Self {
        let Payment { id, state, amounts, hold_ends_at, order, .. } = payment;
        let order = order.filter(|_| state == State::Ready);
        Self { payment_id: id, state, amounts, hold_ends_at, order }
    }
}

/// Holds seats for a buyer and opens the payment at KakaoPay. Zero won to pay is approved at once.
///
/// Before KakaoPay: one batch read, a conditional count against each rate limit (and of one in sixteen against a rush), one transaction. The same key again resumes what
/// it made, from its state, and never makes a second payment: one that is over is answered as it is. Asking how it stands is not
/// counted.
///
/// # Errors
/// Why nothing is held, or (`KAKAOPAY_UNAVAILABLE`, `IDEMPOTENCY_IN_PROGRESS`, `STORE_…`) that the same request may be sent again.
pub async fn hold(
    store: &Store,
    kakaopay: &Kakaopay,
    terms: &Terms,
    purchase: &Purchase,
    now: Time,
) -> Result<Held, SalesFault> {
    let Purchase { buyer, wants, .. } = purchase;
    let key = PurchaseKey::of(buyer, purchase.key.clone());
    let (tickets, artist) = match wants {
        Wants::Tickets(tickets) => (Some(ticket_keys(buyer, tickets)), None),
        Wants::Sponsorship { artist_id, .. } => (None, Some(Relaxed(MemberKey(*artist_id)))),
        Wants::Points(_) => (None, None),
    };
    let keys = (key.clone(), Vec::from_iter(tickets), Vec::from_iter(artist));
    let (session, (record, mut tickets, mut artist)) = store.read_for(buyer, keys, now).await?;

    // A key that is known comes before every other question: the seats that are gone may be its own.
    let record = record.filter(|record| !record.expires_at.is_past(now));
    let payment = match record {
        Some(record) => resume(store, &key, &record, purchase, now).await?,
        None => {
            session.member.may_deal(now)?;
            let buyer = session.member.id;
            let known =
                |payment: &Payment| purchase::remember(&key, &purchase.body_hash, payment.id, now);
            let made = match wants {
                Wants::Tickets(wanted) => {
                    let (event, mark, queue, own) = tickets.pop().unwrap_or_default();
                    let own = Own::of(own);
                    own.may_hold(wanted, now)?;
                    let mark = mark.unwrap_or_default();
                    let event = on_sale(store, wanted.event_id, event).await?;
                    let event = event.ok_or(SalesFault::EventNotFound)?;
                    if wanted.terms_version.is_some_and(|it| it.get() != event.terms_version) {
                        return Err(SalesFault::TermsChanged);
                    }
                    // What is offered is kept for its member; whoever comes too late hears that at once, and takes no number for it.
                    let open = event.sale().open_at(now).is_ok() && !mark.is_fresh(now);
                    let queues = open && wanted.offer_id.is_none();
                    if queues {
                        may_pass(queue.as_ref(), buyer, wanted.queue_ticket, now)?;
                    }
                    count(store, buyer, purchase, now).await?;
                    if queues {
                        look_out(store, &event, queue.as_ref(), &purchase.key, now).await;
                    }
                    let (event, known) = (&event, &known);
                    let reserving = Reserving {
                        store,
                        kakaopay,
                        terms,
                        purchase,
                        wanted,
                        buyer,
                        event,
                        mark,
                        known,
                        now,
                    };
                    reserving.with(own).await?
                }
                Wants::Sponsorship { artist_id, amount, message } => {
                    if *artist_id == buyer {
                        return Err(SalesFault::Oneself);
                    }
                    count(store, buyer, purchase, now).await?;
                    let artist = artist.pop().flatten().filter(Member::is_artist);
                    if artist.is_none() {
                        return Err(SalesFault::ArtistNotFound);
                    }
                    let (artist_id, message) = (*artist_id, message.clone());
                    let gift = Subject::Sponsorship(Gift { artist_id, message });
                    let amounts = Amounts::cash(amount.won());
                    let payment = begun(terms, purchase, buyer, gift, amounts, now)?;
                    create(store, kakaopay, payment, known).await?
                }
                Wants::Points(amount) => {
                    count(store, buyer, purchase, now).await?;
                    let amounts = Amounts::cash(amount.won());
                    let payment = begun(terms, purchase, buyer, Subject::Points, amounts, now)?;
                    create(store, kakaopay, payment, known).await?
                }
            };
            match made {
                Some(payment) => payment,
                None => {
                    // The same request ran beside this one and was faster.
                    let record = store.get(&key).await?.ok_or(SalesFault::Contended)?;
                    resume(store, &key, &record, purchase, now).await?
                }
            }
        }
    };
    if payment.state != State::Reserved {
        return Ok(Held::of(payment));
    }
    let opened = open(store, kakaopay, terms, payment, now).await;
    if opened.is_err() {
        // A retry need not wait for the lease; should this fail as well, it waits.
        drop(store.write(purchase::release(&key), ()).await);
    }
    opened
}

/// The member first: whoever tries too often does not use up what their neighbours may.
async fn count(
    store: &Store,
    buyer: MemberId,
    purchase: &Purchase,
    now: Time,
) -> Result<(), SalesFault> {
    store.count(BY_MEMBER, &buyer.to_string(), now).await?;
    store.count(FROM_ADDRESS, &rate::address(&purchase.address), now).await?;
    Ok(())
}

/// A payment as it begins.
fn begun(
    terms: &Terms,
    purchase: &Purchase,
    buyer: MemberId,
    subject: Subject,
    amounts: Amounts,
    now: Time,
) -> Result<Payment, SalesFault> {
    let (end, token) = (now.plus(terms.hold), token()?);
    let mut payment = Payment::reserved(buyer, subject, amounts, end, token, now);
    payment.language = purchase.language;
    Ok(payment)
}

/// Writes it. `None` if the key is known by now.
async fn create(
    store: &Store,
    kakaopay: &Kakaopay,
    payment: Payment,
    known: impl Fn(&Payment) -> Write,
) -> Result<Option<Payment>, SalesFault> {
    kakaopay.load_key().await?;
    let whole = Transaction::new().require(known(&payment), ()).also(payment.create());
    match store.transact(whole).await {
        Ok(()) => Ok(Some(payment)),
        Err(Rejected::Condition(())) => Ok(None),
        Err(Rejected::Store(fault)) => Err(fault.into()),
    }
}

/// What a purchase takes of its buyer's, as it was read.
struct Own {
    counter: Buyer,
    claim: Option<Claim>,
    balance: Balance,
    waiting: Option<Waiting>,
}

type OwnKeys = (BuyerKey, Vec<ClaimKey>, Vec<BalanceKey>, Vec<WaitingKey>);

impl Own {
    /// What is not spent is not read.
    fn keys(buyer: &SignedIn, wanted: &Tickets) -> OwnKeys {
        let claim = wanted.claim_id.map(|id| ClaimKey::of(buyer, id));
        let balance = (!wanted.points.is_zero()).then(|| BalanceKey::of(buyer));
        let counter = BuyerKey::of(buyer, wanted.event_id);
        let waiting = wanted.offer_id.map(|_| WaitingKey::of(buyer, wanted.event_id));
        (counter, Vec::from_iter(claim), Vec::from_iter(balance), Vec::from_iter(waiting))
    }

    fn of((counter, claim, balance, waiting): <OwnKeys as Keys>::Items) -> Self {
        let balance = balance.into_iter().flatten().next();
        Self {
            counter: counter.unwrap_or_default(),
            claim: claim.into_iter().flatten().next(),
            balance: balance.unwrap_or_default(),
            waiting: waiting.into_iter().flatten().next(),
        }
    }

    /// Who let holds go unpaid takes no seats of the open sale for a while. What is offered to them is kept for nobody else.
    fn may_hold(&self, wanted: &Tickets, now: Time) -> Result<(), SalesFault> {
        match wanted.offer_id {
            None => Ok(self.counter.unpaid.may_hold(now)?),
            Some(_) => Ok(()),
        }
    }

    /// The offer that is to be taken, with whose it is.
    fn offer(&self, wanted: &Tickets, now: Time) -> Result<Option<(&Waiting, &Offer)>, SalesFault> {
        let Some(id) = wanted.offer_id else { return Ok(None) };
        let open = self.waiting.as_ref().and_then(|it| Some((it, it.open_offer(now)?)));
        let (waiting, offer) = open.filter(|(_, it)| it.id == id).ok_or(SalesFault::OfferOver)?;
        if waiting.quantity != wanted.quantity {
            return Err(SalesFault::NotAsOffered { offered: waiting.quantity.get() });
        }
        Ok(Some((waiting, offer)))
    }

    /// What the coupon takes off.
    fn discount(&self, now: Time) -> Result<Won, SalesFault> {
        let usable = |claim: &&Claim| claim.state_at(now) == ClaimState::Usable;
        let claim = self.claim.as_ref().filter(usable);
        Ok(claim.ok_or(SalesFault::Lacks(Lack::Coupon, None))?.discount.won())
    }
}

/// Tickets of an event that is on sale.
struct Reserving<'a, K> {
    store: &'a Store,
    kakaopay: &'a Kakaopay,
    terms: &'a Terms,
    purchase: &'a Purchase,
    wanted: &'a Tickets,
    buyer: MemberId,
    event: &'a OnSale,
    /// The sold-out mark, read before any shard.
    mark: SoldOut,
    /// Remembers the key.
    known: &'a K,
    now: Time,
}

/// The event may be a second old: a purchase on terms that have changed since is refused by the shards.
type TicketKeys = (Relaxed<OnSaleKey>, SoldOutKey, QueueKey, OwnKeys);

fn ticket_keys(buyer: &SignedIn, wanted: &Tickets) -> TicketKeys {
    let event = Relaxed(OnSaleKey(wanted.event_id));
    let (mark, queue) = (SoldOutKey(wanted.event_id), QueueKey(wanted.event_id));
    (event, mark, queue, Own::keys(buyer, wanted))
}

impl<K: Fn(&Payment) -> Write> Reserving<'_, K> {
    /// Takes the seats and all else and writes the payment, with what the buyer has as it was read. What they lack because an
    /// unpaid purchase of theirs holds it, although its time is over, is given back first. `None` if the key is known by now.
    async fn with(&self, mut own: Own) -> Result<Option<Payment>, SalesFault> {
        let mut open = None;
        let mut looked = false;
        for _ in 0..ROUNDS {
            match self.reserve(&own).await {
                Ok(payment) => return Ok(Some(payment)),
                Err(NotTaken::Because(Unmet::KeyKnown)) => return Ok(None),
                Err(NotTaken::Because(Unmet::Coupon | Unmet::Points | Unmet::Offer)) => {}
                Err(not_taken) => match not_taken.told() {
                    SalesFault::Lacks(lack, _) => {
                        let mut ended = false;
                        if !looked {
                            (ended, open) = self.own_holds(lack).await?;
                            looked = true;
                        }
                        if !ended {
                            return Err(SalesFault::Lacks(lack, open.map(Box::new)));
                        }
                    }
                    fault => return Err(fault),
                },
            }
            own = Own::of(self.store.read(&Own::keys(&self.purchase.buyer, self.wanted)).await?);
        }
        Err(SalesFault::Contended)
    }

    async fn reserve(&self, own: &Own) -> Result<Payment, NotTaken> {
        let Self { wanted, event, now, .. } = self;
        let (quantity, now) = (wanted.quantity, *now);
        // What ended unpaid since this was read counts the next time.
        let unpaid = own.counter.unpaid;
        own.may_hold(wanted, now)?;
        let offer = own.offer(wanted, now)?;
        let wanted_seats = match offer {
            Some((_, offer)) => Wanted::offered(event, quantity, offer.seats.clone(), now)?,
            None => Wanted::of(event, quantity, self.mark, now)?,
        };
        let coupon = wanted.claim_id.map(|_| own.discount(now)).transpose()?;
        let amounts = amounts(event.price, quantity, coupon, wanted.points)?;
        amounts.payable()?;
        if !amounts.cash.is_zero() {
            // Without KakaoPay's key seats would be held for nothing.
            self.kakaopay.load_key().await?;
        }
        let subject = Booking::of(event, quantity).into();
        let mut payment = begun(self.terms, self.purchase, self.buyer, subject, amounts, now)?;
        // What takes nothing off is not spent.
        payment.claim_id = wanted.claim_id.filter(|_| !amounts.coupon.is_zero());
        let (payment, spending) = spending::hold(payment, own.balance, now)?;

        let hold = buyer::hold(&BuyerKey::of(&self.purchase.buyer, wanted.event_id), quantity);
        // Where there is nothing to forget, one that ends at this moment must not be.
        let forgets = unpaid.unpaid > 0 && unpaid.is_forgotten(now);
        let counted = if forgets { buyer::forgotten(hold) } else { hold };
        let known = (self.known)(&payment);
        let taken = offer.map(|(waiting, _)| waiting.becomes(&waiting.over(Some(payment.id))));
        let rest = |seats: &[Seats]| {
            let begun = Transaction::new().require(known.clone(), Unmet::KeyKnown);
            let taken = taken.iter().cloned();
            taken
                .fold(begun, |begun, taken| begun.require(taken, Unmet::Offer))
                .require(counted.clone(), Unmet::TicketLimit)
                .and(spending.clone())
                .also(payment.with_seats(seats).create())
        };
        let seats = wanted_seats.take(self.store, now, rest).await?;
        Ok(payment.with_seats(&seats))
    }

    /// What holds of the buyer's what they lack: whether a hold of theirs was past and has now been ended, and the newest that
    /// still waits for its payment.
    async fn own_holds(&self, lack: Lack) -> Result<(bool, Option<Held>), SalesFault> {
        let Self { store, wanted, now, .. } = self;
        let (mut ended, mut open) = (false, None);
        let newest = store.payments_of(self.buyer, NEWEST, None).await?.items;
        let holds = |own: &Payment| match lack {
            Lack::Tickets => own.booking().is_some_and(|it| it.event_id == wanted.event_id),
            Lack::Coupon => own.claim_id == wanted.claim_id,
            Lack::Points => own.set_aside.is_some(),
        };
        for own in newest.into_iter().filter(|own| own.state.can_expire() && holds(own)) {
            match as_told(store, own, *now).await? {
                own if own.state.can_expire() => open = open.or(Some(Held::of(own))),
                _ => ended = true,
            }
        }
        Ok((ended, open))
    }
}

/// What the key made, as it is now. A payment that is still `RESERVED` is the caller's to open: the lease is taken over.
async fn resume(
    store: &Store,
    key: &PurchaseKey,
    record: &PurchaseRecord,
    purchase: &Purchase,
    now: Time,
) -> Result<Payment, SalesFault> {
    if record.body_hash != purchase.body_hash {
        return Err(IdempotencyFault::KeyReused.into());
    }
    let payment = expire(store, record.made, now).await?;
    match payment.state {
        State::Reserved => {}
        // A newer program is at it.
        State::Unknown if payment.order.is_none() => {
            return Err(IdempotencyFault::InProgress { retry_after: LEASE }.into());
        }
        _ => return Ok(payment),
    }
    if record.lease_ends_at > now {
        let retry_after = now.until(record.lease_ends_at);
        return Err(IdempotencyFault::InProgress { retry_after }.into());
    }
    match store.write(purchase::take_over(key, record, now), ()).await {
        Ok(()) => Ok(payment),
        Err(Rejected::Condition(())) => {
            Err(IdempotencyFault::InProgress { retry_after: Duration::from_secs(1) }.into())
        }
        Err(Rejected::Store(fault)) => Err(fault.into()),
    }
}

/// Opens a `RESERVED` payment at KakaoPay. Dying in here leaves at most an order that nobody was told of, and that nobody can pay:
/// only our own approval takes money.
pub(crate) async fn open(
    store: &Store,
    kakaopay: &Kakaopay,
    terms: &Terms,
    payment: Payment,
    now: Time,
) -> Result<Held, SalesFault> {
    if payment.amounts.cash.is_zero() {
        return settle::approve(store, payment, Step::ApproveFree, None, now).await.map(Held::of);
    }
    let returns = |to| {
        format!(
            "{}/v1/payments/{}/returns/{}/{to}",
            terms.public_url, payment.id, payment.return_token.0
        )
    };
    let (item_name, item_code, quantity) = item(&payment.subject);
    let request = ReadyRequest {
        payment: payment.id,
        member: payment.member_id,
        item_name: &item_name,
        item_code,
        quantity,
        total: payment.amounts.cash,
        approval_url: &returns("approve"),
        cancel_url: &returns("cancel"),
        fail_url: &returns("fail"),
    };
    let ready = match kakaopay.ready(request).await {
        Ok(ready) => ready,
        Err(error @ kakaopay::Error::Refused { .. }) => {
            settle::give_back(store, payment, Step::Fail, now).await?;
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let mut next = payment.after(Step::MakeReady, now)?;
    let kakaopay::Pages { pc, mobile, app } = ready.pages;
    next.order = Some(Order { tid: ready.tid, pc, mobile, app });
    match store.write(payment.becomes(&next), ()).await {
        Ok(()) => Ok(Held::of(next)),
        // A run that was thought dead was faster, or the hold has ended.
        Err(Rejected::Condition(())) => find(store, payment.id).await.map(Held::of),
        Err(Rejected::Store(fault)) => Err(fault.into()),
    }
}

/// What the payer is shown of it at KakaoPay: its name, our code of it, and how many.
fn item(subject: &Subject) -> (String, String, u32) {
    match subject {
        Subject::Tickets(it) => {
            (it.event_title.to_string(), it.event_id.to_string(), it.quantity.get())
        }
        Subject::Sponsorship(it) => ("아티스트 후원".into(), it.artist_id.to_string(), 1),
        Subject::Points | Subject::Unknown => ("포인트 충전".into(), "POINTS".into(), 1),
    }
}

/// 24 random bytes. Ids show when they were made, so they are never used as tokens.
fn token() -> Result<Secret, SalesFault> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(SalesFault::Random)?;
    Ok(Secret(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
}
