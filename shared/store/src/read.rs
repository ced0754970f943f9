use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use serde::de::DeserializeOwned;

use crate::{Key, Store, StoreFault, Table, fault::Effect, retry::Retry};

pub(crate) type Attributes = HashMap<String, AttributeValue>;

pub(crate) fn primary_key(key: &impl Key) -> Attributes {
    let (pk, sk) = key.pair();
    let text = |value| AttributeValue::S(value);
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// An item of a list. One that can't be read is told and left out: it must not hide all the others.
pub(crate) fn readable<T: DeserializeOwned>(table: Table, item: Attributes) -> Option<T> {
    let text = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let (pk, sk) = (text("pk").unwrap_or_default(), text("sk").unwrap_or_default());
    match serde_dynamo::from_item(item) {
        Ok(item) => Some(item),
        Err(error) => {
            let table = table.suffix();
            tracing::error!(metric = "Unreadable", table, pk, sk, %error, "an item can't be read and is left out of its list");
            None
        }
    }
}

impl Store {
    /// Reads one item.
    ///
    /// # Errors
    /// When the database does not answer, or the item can't be read.
    pub async fn get<K: Key>(&self, key: &K) -> Result<Option<K::Item>, StoreFault> {
        let request =
            self.client.get_item().table_name(self.name(K::TABLE)).set_key(Some(primary_key(key)));
        let answer = request.consistent_read(K::CONSISTENT).send().await;
        let item = answer.map_err(|error| StoreFault::of(error, Effect::Read))?.item;
        Ok(item.map(serde_dynamo::from_item).transpose()?)
    }

    /// Reads several items of any tables, given as a tuple of keys, in one call.
    ///
    /// The items are not read at one instant. A table is read consistently when one of its keys wants it.
    ///
    /// # Errors
    /// When the database does not answer, or an item can't be read.
    pub async fn read<K: Keys>(&self, keys: &K) -> Result<K::Items, StoreFault> {
        let mut wanted = Wanted::default();
        keys.want(&mut wanted);
        let mut found = self.batch(wanted).await?;
        Ok(keys.take(&mut found)?)
    }

    /// Reads several items of one kind, at most 100, in one call; in the order of their keys.
    ///
    /// # Errors
    /// When the database does not answer, or an item can't be read.
    pub async fn read_all<K: Key>(&self, keys: &[K]) -> Result<Vec<Option<K::Item>>, StoreFault> {
        let mut found = self.found(keys).await?;
        Ok(keys.iter().map(|key| found.take(key)).collect::<Result<_, _>>()?)
    }

    /// Reads those of several items of one kind, at most 100, that are there and can be read.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn list<K: Key>(&self, keys: &[K]) -> Result<Vec<K::Item>, StoreFault> {
        let mut found = self.found(keys).await?;
        let items = keys.iter().filter_map(|key| found.remove(key));
        Ok(items.filter_map(|item| readable(K::TABLE, item)).collect())
    }

    async fn found<K: Key>(&self, keys: &[K]) -> Result<Found, StoreFault> {
        let mut wanted = Wanted::default();
        keys.iter().for_each(|key| wanted.add(key));
        self.batch(wanted).await
    }

    async fn batch(&self, wanted: Wanted) -> Result<Found, StoreFault> {
        let mut requests: HashMap<String, KeysAndAttributes> = HashMap::new();
        let tables: HashMap<_, _> =
            wanted.0.keys().map(|table| (self.name(*table), *table)).collect();
        for (table, (consistent, keys)) in wanted.0 {
            let keys = KeysAndAttributes::builder()
                .consistent_read(consistent)
                .set_keys(Some(keys))
                .build();
            requests
                .insert(self.name(table), keys.map_err(|error| StoreFault::Refused(error.into()))?);
        }
        let mut found = Found::default();
        let mut retry = Retry::start();
        // AWS takes no batch of nothing.
        while !requests.is_empty() {
            let answer =
                self.client.batch_get_item().set_request_items(Some(requests)).send().await;
            let answer = answer.map_err(|error| StoreFault::of(error, Effect::Read))?;
            for (name, items) in answer.responses.unwrap_or_default() {
                let Some(table) = tables.get(&name) else { continue };
                for item in items {
                    if let (Some(AttributeValue::S(pk)), Some(AttributeValue::S(sk))) =
                        (item.get("pk"), item.get("sk"))
                    {
                        found.0.insert((*table, pk.clone(), sk.clone()), item);
                    }
                }
            }
            // DynamoDB leaves out what it is too busy for.
            requests = answer.unprocessed_keys.unwrap_or_default();
            if !requests.is_empty() && !retry.again().await {
                return Err(StoreFault::Unavailable(
                    "the database left keys out of its answer".into(),
                ));
            }
        }
        Ok(found)
    }
}

/// The keys of one batch read, by table.
#[derive(Default)]
pub struct Wanted(BTreeMap<Table, (bool, Vec<Attributes>)>);

impl Wanted {
    fn add<K: Key>(&mut self, key: &K) {
        let (consistent, keys) = self.0.entry(K::TABLE).or_default();
        *consistent |= K::CONSISTENT;
        let key = primary_key(key);
        // AWS takes no key twice.
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
}

/// What one batch read found, by table, partition and sort key.
#[derive(Default)]
pub struct Found(HashMap<(Table, String, String), Attributes>);

impl Found {
    /// It stays for who asked for the same.
    fn take<K: Key>(&mut self, key: &K) -> Result<Option<K::Item>, serde_dynamo::Error> {
        let (pk, sk) = key.pair();
        self.0.get(&(K::TABLE, pk, sk)).cloned().map(serde_dynamo::from_item).transpose()
    }

    fn remove<K: Key>(&mut self, key: &K) -> Option<Attributes> {
        let (pk, sk) = key.pair();
        self.0.remove(&(K::TABLE, pk, sk))
    }
}

/// What is read in one call: a key, or a tuple or list of such.
pub trait Keys {
    /// An `Option` for a key's item, a tuple for a tuple, a list for a list.
    type Items;
    #[doc(hidden)]
    fn want(&self, wanted: &mut Wanted);
    #[doc(hidden)]
    fn take(&self, found: &mut Found) -> Result<Self::Items, serde_dynamo::Error>;
}

impl<K: Key> Keys for K {
    type Items = Option<K::Item>;

    fn want(&self, wanted: &mut Wanted) {
        wanted.add(self);
    }

    fn take(&self, found: &mut Found) -> Result<Self::Items, serde_dynamo::Error> {
        found.take(self)
    }
}

impl<K: Keys> Keys for Vec<K> {
    type Items = Vec<K::Items>;

    fn want(&self, wanted: &mut Wanted) {
        self.iter().for_each(|keys| keys.want(wanted));
    }

    fn take(&self, found: &mut Found) -> Result<Self::Items, serde_dynamo::Error> {
        self.iter().map(|keys| keys.take(found)).collect()
    }
}

macro_rules! keys {
    ($($keys:ident $at:tt),*) => {
        impl<$($keys: Keys),*> Keys for ($($keys,)*) {
            type Items = ($($keys::Items,)*);

            fn want(&self, _wanted: &mut Wanted) {
                $(self.$at.want(_wanted);)*
            }

            fn take(&self, _found: &mut Found) -> Result<Self::Items, serde_dynamo::Error> {
                Ok(($(self.$at.take(_found)?,)*))
            }
        }
    };
}

keys!();
keys!(A 0, B 1);
keys!(A 0, B 1, C 2);
keys!(A 0, B 1, C 2, D 3);
keys!(A 0, B 1, C 2, D 3, E 4);
