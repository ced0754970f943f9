use std::{marker::PhantomData, str::FromStr};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Members, guards, sessions, who follows whom.
    Identity,
    /// Events; has a stream.
    Catalog,
    /// Stock, payments, tickets, points; has a stream.
    Sales,
    /// What reaches members: mail, notifications.
    Inbox,
    /// What may be lost after a day: codes, idempotency of what is not a purchase, rate counters.
    Ephemeral,
}

impl Table {
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Catalog => "catalog",
            Self::Sales => "sales",
            Self::Inbox => "inbox",
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
    /// The partition key and the sort key.
    fn pair(&self) -> (String, String);
}

/// A key: a struct of what tells one item from another, all of it public, and how partition and sort key are written with it.
///
/// `pk(…)` and `sk(…)` take what `format!` takes, with the fields as variables.
macro_rules! key {
    ($(#[$about:meta])+ $public:vis struct $name:ident $(<$life:lifetime>)? ($field:ident: $type:ty) $($rest:tt)+) => {
        $(#[$about])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        $public struct $name $(<$life>)? (pub $type);

        key!(@at [$name $(<$life>)?] [Self($field)] $($rest)+);
    };
    ($(#[$about:meta])+ $public:vis struct $name:ident $(<$life:lifetime>)? {
        $($(#[$what:meta])+ $field:ident: $type:ty,)+
    } $($rest:tt)+) => {
        $(#[$about])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        $public struct $name $(<$life>)? {
            $($(#[$what])+ pub $field: $type,)+
        }

        key!(@at [$name $(<$life>)?] [Self { $($field),+ }] $($rest)+);
    };
    (@at [$name:ident $(<$life:lifetime>)?] [$($fields:tt)+]
        => $item:ident in $table:ident, pk($($pk:tt)+), sk($($sk:tt)+)) => {
        impl $(<$life>)? $crate::Key for $name $(<$life>)? {
            type Item = $item;
            const TABLE: $crate::Table = $crate::Table::$table;

            fn pair(&self) -> (String, String) {
                let $($fields)+ = self;
                (format!($($pk)+), format!($($sk)+))
            }
        }
    };
}

/// Reads what may be a second old, at half the price: only where a later condition catches what is stale.
#[derive(Clone, Copy, Debug)]
pub struct Relaxed<K>(pub K);

impl<K: Key> Key for Relaxed<K> {
    type Item = K::Item;
    const TABLE: Table = K::TABLE;
    const CONSISTENT: bool = false;

    fn pair(&self) -> (String, String) {
        self.0.pair()
    }
}

/// Where an item of a kind stands, whatever it says: as an index names it, or as it is deleted.
#[derive(Deserialize)]
#[serde(bound = "")]
pub(crate) struct Named<K> {
    pk: String,
    sk: String,
    #[serde(skip)]
    kind: PhantomData<K>,
}

impl<K> Named<K> {
    /// What comes last in its sort key.
    pub(crate) fn last<T: FromStr>(&self) -> Option<T> {
        self.sk.rsplit('#').next()?.parse().ok()
    }
}

impl<K: Key> Key for Named<K> {
    type Item = K::Item;
    const TABLE: Table = K::TABLE;
    const CONSISTENT: bool = K::CONSISTENT;

    fn pair(&self) -> (String, String) {
        (self.pk.clone(), self.sk.clone())
    }
}
