//! Notifications: what a member is told. The transaction that puts one counts it as unread, so that the number is known without
//! reading all of them.
//!
//! A notification and the number that it is counted in go at the same moment: both belong to a period of thirty days, and are kept
//! for 180 days after its end. One number for all would be wrong as soon as the first that nobody read is gone.

use std::time::Duration;

use domain::{
    event::Title,
    id::{EventId, MemberId, NotificationId, PaymentId},
    member::Nickname,
    notification::Kind,
    time::Time,
    won::Won,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Index, Page, Query, Rejected, Start, Store, StoreFault, Table, Transaction, Ttl, Write,
};

/// How long a notification is kept after the period that it belongs to: for 180 days at least, and 210 at most.
const KEPT: Duration = Duration::from_hours(24 * 180);

const PERIOD: Duration = Duration::from_hours(24 * 30);

/// More numbers than a member can have: those of the periods that are kept, and one that begins.
const PERIODS: u32 = 10;

key!(
    /// Where a notification stands beside its member's others: in the order in which things happened.
    #[derive(Copy)]
    pub struct NotificationKey {
        /// Who is told.
        member_id: MemberId,
        /// Its id.
        id: NotificationId,
    } => Notification in Inbox, pk("MEM#{member_id}"), sk("NOTE#{id}")
);

/// Something that a member is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Its id: the same of all who are told of one thing, however often they are.
    pub id: NotificationId,
    /// What is told.
    pub kind: Kind,
    /// The event that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// The artist whom it is about, if it is about one. What they are called only their own item says: it goes with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artist_id: Option<MemberId>,
    /// The payment that it is about, if it is about one of its member's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// How many tickets it is about, if it is about tickets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tickets: Option<u32>,
    /// How much was given, in won, if it is about a sponsorship.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Won>,
    /// Who gave it. What they are called goes with them, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub giver_id: Option<MemberId>,
    /// When it happened.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    /// When its member read it, if they did.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub read_at: Option<Time>,
    /// When it is gone.
    pub expires_at: Ttl,
}

/// An event, as it was when its notification was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// What it was called.
    pub title: Title,
}

/// An artist whom a notification is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artist {
    /// Their id.
    pub id: MemberId,
    /// What they are called; of who is gone, [`Nickname::of_nobody`].
    pub nickname: Nickname,
}

/// What those are called now whom a notification is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The artist.
    pub artist: Option<Artist>,
    /// Whoever gave something; of who is gone, [`Nickname::of_nobody`].
    pub giver: Option<Nickname>,
}

key!(
    /// Where it is counted how many notifications of a period a member has not read.
    #[derive(Copy)]
    struct UnreadKey {
        /// Who was told.
        member_id: MemberId,
        /// Which period, counted since 1970.
        period: i64,
    } => Unread in Inbox, pk("MEM#{member_id}"), sk("UNREAD#{period:06}")
);

/// How many notifications of a period are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unread {
    count: u64,
    expires_at: Ttl,
}

impl Notification {
    /// Tells of a new event, by what the bus calls its publication and when that was.
    pub fn new_event(publication: &str, at: Time, event: Event, artist_id: MemberId) -> Self {
        let artist_id = Some(artist_id);
        Self { artist_id, ..Self::about(event, Kind::NewEvent, publication, at) }
    }

    /// Puts it into an inbox, if it is not there, and counts it there as unread.
    pub(super) fn writing(&self, member_id: MemberId) -> [Write; 2] {
        let period = period(self.created_at);
        let unread = Write::update(&UnreadKey { member_id, period });
        let unread = unread.add("count", 1).set("expiresAt", self.expires_at);
        [Write::create(&NotificationKey { member_id, id: self.id }, self), unread]
    }

    /// Tells of something that happened about an event, by a name that nothing else has, and when that was.
    pub fn about(event: Event, kind: Kind, name: &str, at: Time) -> Self {
        Self { event: Some(event), ..Self::of(kind, name, at) }
    }

    /// Tells an artist what they were given and by whom, in the same way.
    pub fn sponsored(giver_id: MemberId, amount: Won, name: &str, at: Time) -> Self {
        let (giver_id, amount) = (Some(giver_id), Some(amount));
        Self { giver_id, amount, ..Self::of(Kind::Sponsored, name, at) }
    }

    fn of(kind: Kind, name: &str, at: Time) -> Self {
        Self {
            id: NotificationId::of(at, of_name(name)),
            kind,
            event: None,
            artist_id: None,
            payment_id: None,
            tickets: None,
            amount: None,
            giver_id: None,
            created_at: at,
            read_at: None,
            expires_at: expiry(period(at)),
        }
    }
}

/// What is the same of one name, however often it is asked for.
pub(super) fn of_name(name: &str) -> [u8; 10] {
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&Sha256::digest(name)[..10]);
    bytes
}

fn period(at: Time) -> i64 {
    at.millis().div_euclid(millis(PERIOD))
}

fn expiry(period: i64) -> Ttl {
    Ttl::at(Time::from_millis((period + 1) * millis(PERIOD)).plus(KEPT))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Store {
    /// Tells members something, once each, at most 50 at a time: all of them, or none. It changes nothing to say it again.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn notify(
        &self,
        members: &[MemberId],
        notification: &Notification,
    ) -> Result<(), StoreFault> {
        let key = |&member_id: &MemberId| NotificationKey { member_id, id: notification.id };
        let mut left = members.to_vec();
        while !left.is_empty() {
            let telling = left.iter().fold(Transaction::new(), |telling, member| {
                let [put, counted] = notification.writing(*member);
                telling.require(put, ()).also(counted)
            });
            match self.transact(telling).await {
                Ok(()) => break,
                Err(Rejected::Store(fault)) => return Err(fault),
                // Some were told before; the others are still to be.
                Err(Rejected::Condition(())) => {
                    let told = self.read_all(&left.iter().map(key).collect::<Vec<_>>()).await?;
                    let mut told = told.iter();
                    left.retain(|_| told.next().is_some_and(Option::is_none));
                }
            }
        }
        Ok(())
    }

    /// What a member was told, the latest first, each with what those are called now whom it is about.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn notifications_of(
        &self,
        member_id: MemberId,
        now: Time,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<(Notification, Names)>, StoreFault> {
        let query = Query::new(Index::of(Table::Inbox), format!("MEM#{member_id}"), limit);
        let query = query.beginning("NOTE#").backwards().after(start);
        let mut page = self.query::<Notification>(query).await?;
        page.items.retain(|notification| !notification.expires_at.is_past(now));
        let all: Vec<_> =
            page.items.iter().flat_map(|it| [it.artist_id, it.giver_id]).flatten().collect();
        let names = self.nicknames(all).await?;
        let called = |id| names.get(&id).cloned();
        Ok(page.map(|it| {
            let artist = it.artist_id.zip(it.artist_id.and_then(called));
            let artist = artist.map(|(id, nickname)| Artist { id, nickname });
            let giver = it.giver_id.and_then(called);
            (it, Names { artist, giver })
        }))
    }

    /// How much of it they have not read.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn unread_of(&self, member_id: MemberId, now: Time) -> Result<u64, StoreFault> {
        let query = Query::new(Index::of(Table::Inbox), format!("MEM#{member_id}"), PERIODS);
        let unread = self.query::<Unread>(query.beginning("UNREAD#").backwards()).await?.items;
        Ok(unread.iter().filter(|it| !it.expires_at.is_past(now)).map(|it| it.count).sum())
    }
}
