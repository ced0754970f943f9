use std::time::Duration;

use aws::{Connect, ConnectError, variable};
use domain::{
    event::Quantity,
    id::{EventId, PaymentId},
    language::Language,
    payment::{Amounts, State, Step, Unpaid, amounts},
    time::Time,
    won::Won,
};
use gateways::kakaopay::{self, Kakaopay, ReadyRequest};
use store::{
    Rejected, Relaxed, Store, Transaction, Write,
    catalog::on_sale::OnSaleKey,
    ephemeral::{
        idempotency::{IdempotencyFault, LEASE},
        rate::{self, Rule},
    },
    identity::session::SignedIn,
    sales::{
        buyer::{self, BuyerKey},
        payment::{Order, Payment, Secret},
        purchase::{self, PurchaseKey, PurchaseRecord},
        sold_out::SoldOutKey,
        stock::Seats,
    },
};

use crate::{
    SalesFault, Unmet, as_told, expire, find, on_sale,
    seats::{NotTaken, Wanted},
    settle,
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
    /// Tickets of what.
    pub event_id: EventId,
    /// How many.
    pub quantity: Quantity,
    /// In which language the buyer is written to.
    pub language: Language,
    /// The request's `Idempotency-Key`.
    pub key: String,
    /// The hash of what was asked for.
    pub body_hash: String,
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
/// Before KakaoPay: one batch read, a conditional count against each rate limit, one transaction. The same key again resumes what
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
    let key = PurchaseKey::of(&purchase.buyer, purchase.key.clone());
    // The event may be a second old: a purchase on terms that have changed since is refused by the shards.
    let event_key = Relaxed(OnSaleKey(purchase.event_id));
    let buyer_key = BuyerKey::of(&purchase.buyer, purchase.event_id);
    let keys = (event_key, SoldOutKey(purchase.event_id), key.clone(), buyer_key);
    let (session, (event, mark, record, counter)) =
        store.read_for(&purchase.buyer, keys, now).await?;
    let buyer = session.member.id;

    // A key that is known comes before every other question: the seats that are gone may be its own.
    let record = record.filter(|record| !record.expires_at.is_past(now));
    let payment = match record {
        Some(record) => resume(store, &key, &record, purchase, now).await?,
        None => {
            session.member.may_deal(now)?;
            // What ended unpaid since this was read counts the next time.
            let unpaid = counter.unwrap_or_default().unpaid;
            unpaid.may_hold(now)?;
            // The member first: whoever tries too often does not use up what their neighbours may.
            store.count(BY_MEMBER, &buyer.to_string(), now).await?;
            store.count(FROM_ADDRESS, &rate::address(&purchase.address), now).await?;
            let event = on_sale(store, purchase.event_id, event).await?;
            let event = event.ok_or(SalesFault::EventNotFound)?;
            let quantity = purchase.quantity;
            let wanted = Wanted::of(&event, quantity, mark.unwrap_or_default(), now)?;
            let amounts = amounts(event.price, quantity, None, Won::ZERO)?;
            amounts.payable()?;
            if !amounts.cash.is_zero() {
                // Without KakaoPay's key seats would be held for nothing.
                kakaopay.load_key().await?;
            }
            let (end, token) = (now.plus(terms.hold), token()?);
            let mut payment = Payment::reserved(&event, buyer, quantity, amounts, end, token, now);
            payment.language = purchase.language;
            let counted = |unpaid: Unpaid| {
                let hold = buyer::hold(&buyer_key, quantity);
                // Where there is nothing to forget, one that ends at this moment must not be.
                let forgets = unpaid.unpaid > 0 && unpaid.is_forgotten(now);
                if forgets { buyer::forgotten(hold) } else { hold }
            };
            let reserve = async |unpaid| {
                let known = purchase::remember(&key, &purchase.body_hash, payment.id, now);
                reserve(store, &wanted, &payment, known, counted(unpaid), now).await
            };
            let mut reserved = reserve(unpaid).await;
            if let Err(SalesFault::TicketLimit(_)) = reserved {
                let (ended, open) = own_holds(store, &payment, now).await?;
                if ended {
                    let counter = store.get(&buyer_key).await?.unwrap_or_default();
                    counter.unpaid.may_hold(now)?;
                    reserved = reserve(counter.unpaid).await;
                }
                if let Err(SalesFault::TicketLimit(named)) = &mut reserved {
                    *named = open.map(Box::new);
                }
            }
            match reserved? {
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

/// Takes the seats and writes the payment. `None` if the key is known by now.
async fn reserve(
    store: &Store,
    wanted: &Wanted,
    payment: &Payment,
    remembered: Write,
    counted: Write,
    now: Time,
) -> Result<Option<Payment>, SalesFault> {
    let rest = |seats: &[Seats]| {
        Transaction::new()
            .require(remembered.clone(), Unmet::KeyKnown)
            .require(counted.clone(), Unmet::TicketLimit)
            // Here a coupon is held, and points are reserved, once they can be spent.
            .also(payment.with_seats(seats).create())
    };
    match wanted.take(store, now, rest).await {
        Ok(seats) => Ok(Some(payment.with_seats(&seats))),
        Err(NotTaken::Because(Unmet::KeyKnown)) => Ok(None),
        Err(not_taken) => Err(not_taken.told()),
    }
}

/// What fills a buyer's limit of an event: whether a hold of theirs was past and has now been ended, so that there is room, and the
/// newest that still waits for its payment.
async fn own_holds(
    store: &Store,
    payment: &Payment,
    now: Time,
) -> Result<(bool, Option<Held>), SalesFault> {
    let (mut ended, mut open) = (false, None);
    let newest = store.payments_of(payment.member_id, NEWEST, None).await?.items;
    let unpaid = |own: &Payment| own.event_id == payment.event_id && own.state.can_expire();
    for own in newest.into_iter().filter(unpaid) {
        match as_told(store, own, now).await? {
            own if own.state.can_expire() => open = open.or(Some(Held::of(own))),
            _ => ended = true,
        }
    }
    Ok((ended, open))
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
    let request = ReadyRequest {
        payment: payment.id,
        member: payment.member_id,
        item_name: payment.event_title.as_str(),
        event: payment.event_id,
        quantity: payment.quantity,
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

/// 24 random bytes. Ids show when they were made, so they are never used as tokens.
fn token() -> Result<Secret, SalesFault> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(SalesFault::Random)?;
    Ok(Secret(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
}
