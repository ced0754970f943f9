//! What is a person's own: what of each kind of item they are handed when they ask for it, and what becomes of it when they leave.
//!
//! [`ITEMS`] has a line for everything that `infra/data-model.md` lists under *Items*; a test says so. Who adds an item says here
//! what it is to the member whose it is.

use domain::{
    event::State as EventState,
    fault::{Code, Fault},
    id::MemberId,
    member::Nickname,
    payment::HistoryEntry,
    sponsorship::State as SponsorshipState,
    ticket::State as TicketState,
    time::Time,
    waiting::State as WaitingState,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    Index, Key, Page, Query, Rejected, Start, Store, StoreFault, Transaction, Write,
    catalog::{
        draft::{DRAFT, DraftKey},
        event::{Event, EventKey},
        on_sale::{OnSale, OnSaleKey},
    },
    codes,
    identity::{
        follow::Following,
        member::{Member, MemberKey},
        session::{SessionItem, SessionKey},
    },
    inbox::notification::{Names, Notification, NotificationKey},
    key::Named,
    sales::{
        claim::Claim,
        payment::{self, Payment, Refund, Subject},
        points::{Balance, BalanceKey, Entry},
        sponsorship::{self, Sponsorship},
        stock,
        ticket::{self, Ticket},
        waiting::Waiting,
    },
    was_done,
};

/// A kind of item, as `infra/data-model.md` calls it, and what it is to a member.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// Its name.
    pub name: &'static str,
    /// What of it a member is handed.
    pub export: Export,
    /// What becomes of it when they leave.
    pub erasure: Erasure,
}

/// What of a kind of item a member is handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// What this section says.
    In(Section),
    /// Nothing, and why.
    Nothing(&'static str),
}

/// What becomes of a kind of item when its member leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// It is gone, or holds nothing of them any more, in the transaction in which they leave.
    AtOnce,
    /// This work takes it away, or takes them out of it.
    By(Work),
    /// It goes by itself, at its `expiresAt`; and what it says of them until then.
    Expires(&'static str),
    /// It stays; and why it may.
    Stays(&'static str),
}

/// A part of what a member is handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Who they are, with their balance of points: one only.
    Account,
    /// The devices that they signed in with.
    Sessions,
    /// The artists whom they follow.
    Following,
    /// What they were told.
    Notifications,
    /// What they published.
    Events,
    /// What they have not published yet.
    Drafts,
    /// What they paid.
    Payments,
    /// Their tickets.
    Tickets,
    /// What they wait for, or waited.
    Waiting,
    /// The coupons that they have claimed.
    Coupons,
    /// How their points moved.
    Transfers,
}

/// A part of what is done after a member left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Deletes their sessions.
    Sessions,
    /// Takes them out of their artists' followers.
    Following,
    /// Takes their followers from them.
    Followers,
    /// Takes them out of the lines in which they wait.
    Waiting,
    /// Deletes what they were told.
    Notifications,
    /// Takes their name from their events, and deletes their drafts.
    Events,
    /// Deletes the member: the last of all.
    Member,
}

const ACCOUNT: Export = Export::In(Section::Account);
const ONLY_COUNTS: Export = Export::Nothing("counts what another section lists");
const OF_THE_SHOP: Export = Export::Nothing("is the shop's, and names nobody");
const AT_THE_DOOR: Export = Export::Nothing("is the event's; its artist sees it until it ends");
const FOR_A_MOMENT: Export =
    Export::Nothing("is kept for a day at most, to answer the same or to refuse");
const IDS_ALONE: Erasure =
    Erasure::Stays("names its member by an id that nobody is found by any more");
const BOOKS: Erasure = Erasure::Stays(
    "must be kept for five years (Act on Consumer Protection in Electronic Commerce, art. 6), with an id that nobody is found by any more",
);
const NOBODY: Erasure = Erasure::Stays("names nobody");
const HASHED: Erasure = Erasure::Expires("an id or a hash");

const fn item(name: &'static str, export: Export, erasure: Erasure) -> Item {
    Item { name, export, erasure }
}

/// Every kind of item, in the order of `infra/data-model.md`.
pub const ITEMS: &[Item] = &[
    item("member", ACCOUNT, Erasure::By(Work::Member)),
    item("session", Export::In(Section::Sessions), Erasure::By(Work::Sessions)),
    item("e-mail guard", ACCOUNT, Erasure::AtOnce),
    item("phone guard", ACCOUNT, Erasure::AtOnce),
    item("identity guard", ACCOUNT, Erasure::AtOnce),
    item(
        "follower",
        Export::Nothing("is the other's who follows, and in their `following`"),
        Erasure::By(Work::Followers),
    ),
    item("followed artist", Export::In(Section::Following), Erasure::By(Work::Following)),
    item("follower count", ONLY_COUNTS, Erasure::By(Work::Followers)),
    item("following count", ONLY_COUNTS, Erasure::By(Work::Following)),
    item(
        "door key",
        AT_THE_DOOR,
        Erasure::Expires("what its holder is called, for half a year after the event"),
    ),
    item("door key count", AT_THE_DOOR, NOBODY),
    item("event", Export::In(Section::Events), Erasure::By(Work::Events)),
    item("event on sale", Export::In(Section::Events), IDS_ALONE),
    item("event of an artist", Export::In(Section::Events), IDS_ALONE),
    item("draft", Export::In(Section::Drafts), Erasure::By(Work::Events)),
    item("stock shard", OF_THE_SHOP, NOBODY),
    item("event's refunds", OF_THE_SHOP, IDS_ALONE),
    item("sold-out mark", OF_THE_SHOP, NOBODY),
    item("buyer counter", ONLY_COUNTS, IDS_ALONE),
    item("waiting list", OF_THE_SHOP, IDS_ALONE),
    item("queue", OF_THE_SHOP, NOBODY),
    item("place in a line", Export::In(Section::Waiting), Erasure::By(Work::Waiting)),
    item("waiting", Export::In(Section::Waiting), Erasure::By(Work::Waiting)),
    item("payment", Export::In(Section::Payments), BOOKS),
    item("purchase idempotency", FOR_A_MOMENT, HASHED),
    item("ticket", Export::In(Section::Tickets), BOOKS),
    item("check-in count", OF_THE_SHOP, NOBODY),
    item(
        "sponsorship",
        Export::Nothing("is in the payments of whoever gave it, with their words"),
        // What they said to the artist stays the artist's.
        BOOKS,
    ),
    item("points balance", ACCOUNT, Erasure::AtOnce),
    item("transfer", Export::In(Section::Transfers), BOOKS),
    item(
        "proof of the ledger",
        OF_THE_SHOP,
        Erasure::Expires(
            "the ids of members whose points were not what they should be, for 400 days",
        ),
    ),
    item("coupon", OF_THE_SHOP, NOBODY),
    item("coupon on offer", OF_THE_SHOP, NOBODY),
    item("coupon code", OF_THE_SHOP, NOBODY),
    item("quota shard", OF_THE_SHOP, NOBODY),
    // A refund may come when its member has left, and then gives back what was spent.
    item("coupon claim", Export::In(Section::Coupons), IDS_ALONE),
    item("claimed coupon", Export::In(Section::Coupons), IDS_ALONE),
    item("notification", Export::In(Section::Notifications), Erasure::By(Work::Notifications)),
    item("unread count", ONLY_COUNTS, Erasure::By(Work::Notifications)),
    item(
        "idempotency",
        FOR_A_MOMENT,
        Erasure::Expires(
            "an answer that they were sent, with their name in it if it is an event's, for a day",
        ),
    ),
    item("rate counter", FOR_A_MOMENT, HASHED),
    item("number in a queue", Export::Nothing("is over minutes after their turn"), HASHED),
    item(
        "known network or device",
        Export::Nothing("hashes, of what their sessions say"),
        Erasure::Expires(
            "hashes of their address and of networks, 90 days after they were last seen",
        ),
    ),
    item(
        "mailed code",
        FOR_A_MOMENT,
        Erasure::Expires(
            "the address that it was for, and of a sign-up all that was given, for an hour",
        ),
    ),
    item(
        "mail",
        Export::Nothing("they have it; we keep that it went, and no word of it"),
        Erasure::Expires(
            "an id, and with what browser and from which country they signed in, for 90 days",
        ),
    ),
    item(
        "mail block",
        Export::Nothing("is found by the address alone, whoever has it"),
        Erasure::Stays("a hash of the address; without it mail would go where it is not wanted"),
    ),
    item("spent", FOR_A_MOMENT, HASHED),
    item(
        "identity to be linked",
        FOR_A_MOMENT,
        Erasure::Expires("what a provider calls them, for ten minutes"),
    ),
    item("export", Export::Nothing("is what they are handed"), HASHED),
];

impl Section {
    /// All of them, in the order in which they are handed over.
    pub const ALL: [Self; 11] = [
        Self::Account,
        Self::Sessions,
        Self::Following,
        Self::Notifications,
        Self::Events,
        Self::Drafts,
        Self::Payments,
        Self::Tickets,
        Self::Waiting,
        Self::Coupons,
        Self::Transfers,
    ];

    /// As it is called where it is handed over.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Sessions => "sessions",
            Self::Following => "following",
            Self::Notifications => "notifications",
            Self::Events => "events",
            Self::Drafts => "drafts",
            Self::Payments => "payments",
            Self::Tickets => "tickets",
            Self::Waiting => "waiting",
            Self::Coupons => "coupons",
            Self::Transfers => "transfers",
        }
    }
}

/// So many items of a section are read at once.
const HANDED: u32 = 100;

/// So many items are taken away at once: what a transaction takes, and little enough for a worker's time.
const TAKEN: u32 = 25;

impl Store {
    /// A page of what a member is handed: the newest first, but for events: of these the first to end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn handed(
        &self,
        member_id: MemberId,
        section: Section,
        start: Option<Start>,
    ) -> Result<Page<Value>, StoreFault> {
        let page = match section {
            Section::Account => {
                let keys = (MemberKey(member_id), BalanceKey(member_id));
                let (member, balance) = self.read(&keys).await?;
                let balance = balance.unwrap_or_default();
                let items = member.map(|member| account(member, balance));
                Page { items: items.into_iter().collect(), next: None }
            }
            Section::Sessions => self.sessions_of(member_id, HANDED, start).await?.map(session),
            Section::Following => {
                let page = self.followed_by(member_id, HANDED, start).await?;
                page.map(following)
            }
            Section::Notifications => {
                self.notifications_of(member_id, Time::now(), HANDED, start).await?.map(told)
            }
            Section::Events => self.of_own(member_id, EventKey, TAKEN, start).await?.map(event),
            Section::Drafts => self.drafts_of(member_id, TAKEN, start).await?.map(event),
            Section::Payments => self.payments_of(member_id, HANDED, start).await?.map(payment),
            Section::Tickets => self.tickets_of(member_id, HANDED, start).await?.map(ticket),
            Section::Waiting => self.waits_of(member_id, HANDED, start).await?.map(waiting),
            Section::Coupons => self.claims_of(member_id, HANDED, start).await?.map(coupon),
            Section::Transfers => self.transfers_of(member_id, HANDED, start).await?.map(transfer),
        };
        Ok(page)
    }
}

fn account(member: Member, points: Balance) -> Value {
    json!({
        "id": member.id,
        "email": member.email,
        "nickname": member.nickname,
        "role": member.role,
        "birthDate": member.birth_date,
        "declaredOfAgeAt": member.declared_of_age_at,
        "phone": member.phone,
        "location": member.location,
        "identities": member.identities,
        "points": points.balance,
        "pointsOwed": points.debt,
        "createdAt": member.created_at,
        "updatedAt": member.updated_at,
    })
}

fn session(session: SessionItem) -> Value {
    json!({
        "id": session.id,
        "device": session.device,
        "country": session.country,
        "createdAt": session.created_at,
        "lastUsedAt": session.last_used_at(),
        "endedAt": session.ended_at,
    })
}

fn following((followed, artist): (Following, Member)) -> Value {
    json!({
        "artist": { "id": artist.id, "nickname": artist.nickname },
        "since": followed.since,
    })
}

fn told((notification, Names { artist, giver }): (Notification, Names)) -> Value {
    let artist = artist.map(|artist| json!({ "id": artist.id, "nickname": artist.nickname }));
    json!({
        "id": notification.id,
        "kind": notification.kind,
        "event": notification.event,
        "artist": artist,
        "paymentId": notification.payment_id,
        "tickets": notification.tickets,
        "amount": notification.amount,
        "giver": giver,
        "createdAt": notification.created_at,
        "readAt": notification.read_at,
    })
}

fn event(event: Event) -> Value {
    json!({
        "id": event.id,
        "title": event.title,
        "place": event.place,
        "content": event.content,
        "category": event.category,
        "capacity": event.capacity,
        "price": event.price,
        "startsAt": event.schedule.starts_at(),
        "endsAt": event.schedule.ends_at(),
        "saleStartsAt": event.schedule.sale_starts_at(),
        "saleEndsAt": event.schedule.sale_ends_at(),
        "refundPolicy": event.refund_policy,
        "state": event.state,
        "createdAt": event.created_at,
        "updatedAt": event.updated_at,
        "deletedAt": event.deleted_at,
    })
}

fn payment(payment: Payment) -> Value {
    let gift = match &payment.subject {
        Subject::Sponsorship(it) => Some(json!({
            "artistId": it.artist_id, "message": it.message,
        })),
        _ => None,
    };
    let step = |entry: &HistoryEntry| json!({ "step": entry.step, "at": entry.at });
    json!({
        "id": payment.id,
        "purpose": payment.subject.purpose(),
        "state": payment.state,
        "event": payment.booking().map(|it| json!({ "id": it.event_id, "title": it.event_title })),
        "quantity": payment.booking().map(|it| it.quantity),
        "gift": gift,
        "listPrice": payment.amounts.list_price,
        "coupon": payment.amounts.coupon,
        "points": payment.amounts.points,
        "cash": payment.amounts.cash,
        "refunded": { "cash": payment.refunded.cash, "points": payment.refunded.points },
        "refunds": payment.refunds.iter().map(refund).collect::<Vec<_>>(),
        "ticketIds": payment.ticket_ids(),
        "history": payment.history.iter().map(step).collect::<Vec<_>>(),
        "createdAt": payment.created_at,
        "updatedAt": payment.updated_at,
    })
}

fn refund(refund: &Refund) -> Value {
    json!({
        "ticketIds": refund.ticket_ids,
        "cause": refund.cause,
        "percent": refund.percent,
        "rule": refund.rule,
        "cash": refund.cash,
        "points": refund.points,
        "earnedTakenBack": refund.earned_taken_back,
        "at": refund.at,
    })
}

fn ticket(ticket: Ticket) -> Value {
    json!({
        "id": ticket.id,
        "paymentId": ticket.payment_id,
        "event": { "id": ticket.event_id, "title": ticket.event_title },
        "place": ticket.place,
        "startsAt": ticket.schedule.starts_at(),
        "endsAt": ticket.schedule.ends_at(),
        "price": ticket.price,
        "state": ticket.state,
        "createdAt": ticket.created_at,
        "checkedInAt": ticket.check_in.map(|check_in| check_in.scanned_at),
    })
}

fn waiting(waiting: Waiting) -> Value {
    json!({
        "event": { "id": waiting.event_id, "title": waiting.event_title },
        "state": waiting.state_at(Time::now()),
        "quantity": waiting.quantity,
        "offerEndsAt": waiting.offer.map(|offer| offer.ends_at),
        "paymentId": waiting.payment_id,
        "joinedAt": waiting.created_at,
    })
}

fn coupon(claim: Claim) -> Value {
    json!({
        "id": claim.id,
        "couponId": claim.coupon_id,
        "discount": claim.discount,
        "expiresOn": claim.expires_on,
        "status": claim.state_at(Time::now()),
        "paymentId": claim.payment_id,
    })
}

fn transfer(entry: Entry) -> Value {
    let Entry { transfer, payment_id, created_at, .. } = entry;
    json!({
        "id": transfer.id,
        "kind": transfer.kind,
        "from": transfer.from,
        "to": transfer.to,
        "amount": transfer.amount,
        "state": transfer.state,
        "paymentId": payment_id,
        "createdAt": created_at,
    })
}

/// Why a member can't leave yet, in the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stays {
    /// They have tickets of events that are not over.
    #[error("the member has live tickets")]
    Tickets,
    /// They have events that are not over.
    #[error("the member has events that are not over")]
    Events,
    /// Money of theirs is on its way, or what their events earned, or they were given, is not settled.
    #[error("money is not settled")]
    Money,
}

impl Fault for Stays {
    fn code(&self) -> Code {
        match self {
            Self::Tickets => codes::LIVE_TICKETS,
            Self::Events => codes::RUNNING_EVENTS,
            Self::Money => codes::UNSETTLED_MONEY,
        }
    }
}

impl Store {
    /// That nothing keeps a member from leaving. What others are at meanwhile may be missed, so it is asked again when they left.
    ///
    /// # Errors
    /// [`Stays`], or the database's trouble; an item that can't be read is no reason to let them go.
    pub async fn may_leave(&self, id: MemberId, now: Time) -> Result<(), Rejected<Stays>> {
        // Payments first: one that is approved meanwhile is seen as such, or its ticket is.
        let may_move = |payment: &Payment| payment.may_move(now);
        let is_paying = self.any(payment::of_member(id, HANDED), may_move).await?;
        let (has_running, has_sold) = self.has_running_or_sold(id, now).await?;
        let is_due = |given: &Sponsorship| {
            matches!(given.state, SponsorshipState::Given | SponsorshipState::Unknown)
        };
        let was_given = self.any(sponsorship::of_artist(id, HANDED), is_due).await?;
        let is_live = |ticket: &Ticket| {
            let may_enter = matches!(ticket.state, TicketState::Valid | TicketState::Unknown);
            may_enter && ticket.schedule.not_over(now).is_ok()
        };
        let reason = if self.any(ticket::of_member(id, HANDED), is_live).await? {
            Stays::Tickets
        } else if has_running {
            Stays::Events
        } else if is_paying || has_sold || was_given {
            Stays::Money
        } else {
            return Ok(());
        };
        Err(Rejected::Condition(reason))
    }

    /// Whether an artist has events that are not over, and whether money was taken for others, or may still be. Nothing is settled yet:
    /// a later part says what was.
    async fn has_running_or_sold(
        &self,
        artist: MemberId,
        now: Time,
    ) -> Result<(bool, bool), StoreFault> {
        let (mut sold, mut start) = (false, None);
        loop {
            let Page { items, next } = self.of_own(artist, OnSaleKey, HANDED, start).await?;
            let is_running = |event: &OnSale| {
                let takes_place =
                    event.state != EventState::Cancelled && event.deleted_at.is_none();
                takes_place && event.schedule.not_over(now).is_ok()
            };
            if items.iter().any(is_running) {
                return Ok((true, sold));
            }
            let paid = items.iter().filter(|event| !event.price.won().is_zero());
            let stock: Vec<_> = paid.flat_map(|it| stock::keys(it.id, it.shards)).collect();
            for some in stock.chunks(HANDED as usize) {
                let stock = self.read_all(some).await?;
                sold |= stock.iter().flatten().any(|it| it.shard.sold + it.shard.held > 0);
            }
            if next.is_none() {
                return Ok((false, sold));
            }
            start = next;
        }
    }

    /// Whether one of a list is so.
    async fn any<T: DeserializeOwned>(
        &self,
        mut query: Query,
        is_so: impl Fn(&T) -> bool,
    ) -> Result<bool, StoreFault> {
        loop {
            let Page { items, next } = self.page(query.clone()).await?;
            for item in items {
                if is_so(&serde_dynamo::from_item(item)?) {
                    return Ok(true);
                }
            }
            if next.is_none() {
                return Ok(false);
            }
            query = query.after(next);
        }
    }
}

impl Work {
    /// What is between them and others: done first, so that nothing more is brought to them.
    pub const PARTING: [Self; 4] =
        [Self::Sessions, Self::Following, Self::Followers, Self::Waiting];

    /// What is theirs alone, to the last.
    pub const ALONE: [Self; 3] = [Self::Notifications, Self::Events, Self::Member];
}

impl Store {
    /// Does some of what is to be done after a member left, and says whether that was all of it. It changes nothing to do it again.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn erase(
        &self,
        member_id: MemberId,
        work: Work,
        now: Time,
    ) -> Result<bool, StoreFault> {
        let own = format!("MEM#{member_id}");
        match work {
            Work::Sessions => self.clear::<SessionKey>(own, "SES#").await,
            Work::Following => self.leave_artists(member_id, TAKEN).await,
            Work::Followers => self.leave_followers(member_id, TAKEN).await,
            Work::Waiting => self.leave_lines(member_id, now).await,
            Work::Notifications => {
                // Both kinds have this one's table.
                let notes = self.clear::<NotificationKey>(own.clone(), "NOTE#").await?;
                Ok(self.clear::<NotificationKey>(own, "UNREAD#").await? && notes)
            }
            Work::Events => {
                let drafts = format!("ART#{member_id}");
                let drafts = self.clear::<DraftKey>(drafts, DRAFT).await?;
                Ok(self.take_name_from_events(member_id, now).await? && drafts)
            }
            Work::Member => {
                let gone = Write::delete(&MemberKey(member_id)).when_present("left");
                was_done(self.write(gone, ()).await)?;
                Ok(true)
            }
        }
    }

    /// What is kept for them is free again, and the next in each line is served by whoever looks at it then.
    async fn leave_lines(&self, member_id: MemberId, now: Time) -> Result<bool, StoreFault> {
        let Page { items, next } = self.waits_of(member_id, TAKEN, None).await?;
        let mut all = next.is_none();
        // What only a newer program knows is its own to end.
        for waiting in items.iter().filter(|it| it.state != WaitingState::Unknown) {
            all &= self.leave_line(waiting, now).await?;
        }
        Ok(all)
    }

    async fn take_name_from_events(
        &self,
        member_id: MemberId,
        now: Time,
    ) -> Result<bool, StoreFault> {
        let mut start = None;
        loop {
            let Page { items, next } = self.of_own(member_id, EventKey, TAKEN, start).await?;
            let nobody = Nickname::of_nobody();
            let named: Vec<_> = items.iter().filter(|it| it.artist_nickname != nobody).collect();
            let taking = named.iter().fold(Transaction::new(), |taking, event| {
                taking.require(event.becoming(&event.without_artist(now)), ())
            });
            // One that was changed meanwhile is tried again, with all of its page.
            if !named.is_empty() && !was_done(self.transact(taking).await)? {
                return Ok(false);
            }
            if next.is_none() {
                return Ok(true);
            }
            start = next;
        }
    }

    /// Deletes the first items of a partition whose sort keys begin so, and says whether that were all.
    pub(crate) async fn clear<K: Key>(
        &self,
        partition: String,
        beginning: &'static str,
    ) -> Result<bool, StoreFault> {
        let query = Query::new(Index::of(K::TABLE), partition, TAKEN).beginning(beginning);
        let Page { items, next } = self.query::<Named<K>>(query).await?;
        if !items.is_empty() {
            let deleting = |all: Transaction<()>, key| all.also(Write::delete(key));
            // None has a condition.
            was_done(self.transact(items.iter().fold(Transaction::new(), deleting)).await)?;
        }
        Ok(next.is_none())
    }
}
