use serde::{Serialize, de::DeserializeOwned};

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Members, guards, sessions.
    Identity,
    /// Events; has a stream.
    Catalog,
    /// Stock, payments, tickets, points; has a stream.
    Sales,
    /// What may be lost after a day: idempotency of what is not a purchase, rate counters.
    Ephemeral,
}

impl Table {
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Catalog => "catalog",
            Self::Sales => "sales",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// Where an item stands, and what it is.
pub trait Key {
    /// What stands there.
    type Item: Serialize + DeserializeOwned;
    /// The table.
    const TABLE: Table;
    /// Whether a read sees every write that was answered before. Costs twice as much as one that may be a second old.
    const CONSISTENT: bool = true;
    /// The partition key.
    fn pk(&self) -> String;
    /// The sort key.
    fn sk(&self) -> String;
}

/// Reads what may be a second old, at half the price: only where a later condition catches what is stale.
#[derive(Clone, Copy, Debug)]
pub struct Relaxed<K>(pub K);

impl<K: Key> Key for Relaxed<K> {
    type Item = K::Item;
    const TABLE: Table = K::TABLE;
    const CONSISTENT: bool = false;

    fn pk(&self) -> String {
        self.0.pk()
    }

    fn sk(&self) -> String {
        self.0.sk()
    }
}
