//! Door keys: what lets volunteers check the tickets of one event in, and nothing else. Only hashes of them are stored.

use domain::{
    fault::{Code, Fault},
    id::{DoorKeyId, EventId},
    ticket::ScannerName,
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{
    Compare, Index, Page, Query, Rejected, Start, Store, StoreFault, Table, Transaction, Ttl,
    Write, codes,
};

/// How many door keys of an event there are at most at once.
pub const MOST: u32 = 20;

key!(
    /// Where a door key stands.
    #[derive(Copy)]
    pub struct DoorKeyKey {
        /// The event that it is for.
        event_id: EventId,
        /// Its id.
        id: DoorKeyId,
    } => DoorKey in Identity, pk("EVT#{event_id}#DOOR"), sk("DOK#{id}")
);

/// A door key that was not revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoorKey {
    /// Its id.
    pub id: DoorKeyId,
    /// The event that it is for.
    pub event_id: EventId,
    /// Whom or what it was made for.
    pub name: ScannerName,
    /// The hash of what its holder shows.
    pub hash: String,
    /// When it was made.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    /// Until when it is good.
    pub expires_at: Ttl,
}

key!(
    /// Where it is counted how many door keys of an event there are.
    #[derive(Copy)]
    struct CountKey(event_id: EventId) => Count in Identity, pk("EVT#{event_id}#DOOR"), sk("COUNT")
);

/// How many there are. It goes when they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    count: u32,
    expires_at: Ttl,
}

/// An event has [`MOST`] door keys already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are as many door keys as there may be")]
pub struct TooManyKeys;

impl Fault for TooManyKeys {
    fn code(&self) -> Code {
        codes::DOOR_KEYS_TOO_MANY
    }
}

/// There is no such door key, or no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such door key")]
pub struct NoSuchKey;

impl Fault for NoSuchKey {
    fn code(&self) -> Code {
        codes::DOOR_KEY_NOT_FOUND
    }
}

impl Store {
    /// Makes a door key.
    ///
    /// # Errors
    /// `DOOR_KEYS_TOO_MANY`, or the database's trouble.
    pub async fn create_door_key(&self, key: &DoorKey) -> Result<(), Rejected<TooManyKeys>> {
        let place = DoorKeyKey { event_id: key.event_id, id: key.id };
        let counted = Write::update(&CountKey(key.event_id))
            .add("count", 1)
            .set("expiresAt", key.expires_at)
            .when_absent_or("count", Compare::Below, MOST);
        let made = Transaction::new().require(counted, TooManyKeys);
        self.transact(made.also(Write::create(&place, key))).await
    }

    /// Revokes a door key: from now on it is good for nothing.
    ///
    /// # Errors
    /// `DOOR_KEY_NOT_FOUND`, or the database's trouble.
    pub async fn revoke_door_key(&self, key: DoorKeyKey) -> Result<(), Rejected<NoSuchKey>> {
        let revoked = Transaction::new().require(Write::delete(&key).when_present("pk"), NoSuchKey);
        let counted = Write::update(&CountKey(key.event_id)).add("count", -1);
        self.transact(revoked.also(counted)).await
    }

    /// The door keys of an event, the newest first, those included whose time is over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn door_keys_of(
        &self,
        event_id: EventId,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<DoorKey>, StoreFault> {
        let query = Query::new(Index::of(Table::Identity), format!("EVT#{event_id}#DOOR"), limit);
        self.query(query.beginning("DOK#").backwards().after(start)).await
    }
}
