use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use crate::{
    Key, StoreFault, Table,
    read::{Attributes, primary_key},
};

/// One change of one item, with the conditions under which it is made: all of them, or it is not made.
///
/// An attribute stands in an expression as `#name`, a value as `:v0`, `:v1` and so on.
#[derive(Clone, Debug)]
#[must_use]
pub struct Write {
    pub(crate) table: Table,
    pub(crate) change: Change,
    /// The key of what is updated, checked or deleted; the whole item of what is put.
    attributes: Attributes,
    updates: [Vec<String>; 3],
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: Attributes,
    /// The first value that can't be stored; told when the write is sent.
    fault: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Put,
    Update,
    Delete,
    Check,
}

/// The attribute that names the last write with conditions that was no part of a transaction.
const ID: &str = "writeId";

/// Whether the last such write had this id.
pub(crate) fn has_id(item: &Attributes, id: &AttributeValue) -> bool {
    item.get(ID) == Some(id)
}

const SET: usize = 0;
const ADD: usize = 1;
const REMOVE: usize = 2;

/// How an attribute compares with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
}

impl Compare {
    const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::Above => ">",
            Self::AtMost => "<=",
            Self::Below => "<",
        }
    }
}

impl Write {
    /// Puts a whole item, in place of what is there.
    pub fn put<K: Key>(key: &K, item: &K::Item) -> Self {
        let mut write = Self::to(key, Change::Put);
        match serde_dynamo::to_item::<_, Attributes>(item) {
            Ok(attributes) => write.attributes.extend(attributes),
            Err(error) => write.fault = Some(error.to_string()),
        }
        write
    }

    /// Puts a whole item where there is none yet.
    pub fn create<K: Key>(key: &K, item: &K::Item) -> Self {
        Self::put(key, item).when_absent("pk")
    }

    /// Changes some attributes of an item, or makes the item.
    pub fn update<K: Key>(key: &K) -> Self {
        Self::to(key, Change::Update)
    }

    /// Changes what differs between two versions of an item. What only a newer program knows stays as it is: attributes, values,
    /// and the entries of a list that grew.
    pub fn change<K: Key>(key: &K, before: &K::Item, after: &K::Item) -> Self {
        let mut write = Self::update(key);
        let attributes = |item| serde_dynamo::to_item::<_, Attributes>(item);
        match (attributes(before), attributes(after)) {
            (Ok(mut before), Ok(after)) => {
                for (attribute, value) in after {
                    write = match (before.remove(&attribute), value) {
                        (Some(old), value) if old == value => write,
                        (Some(AttributeValue::L(old)), AttributeValue::L(mut new))
                            if !old.is_empty() && new.starts_with(&old) =>
                        {
                            write.append(&attribute, new.split_off(old.len()))
                        }
                        (_, value) => write.set_attribute(&attribute, value),
                    };
                }
                before.keys().fold(write, |write, attribute| write.remove(attribute))
            }
            (Err(error), _) | (_, Err(error)) => {
                write.fault = Some(error.to_string());
                write
            }
        }
    }

    /// Deletes an item.
    pub fn delete<K: Key>(key: &K) -> Self {
        Self::to(key, Change::Delete)
    }

    /// Changes nothing; its conditions guard the transaction that it is part of.
    pub fn check<K: Key>(key: &K) -> Self {
        Self::to(key, Change::Check)
    }

    fn to<K: Key>(key: &K, change: Change) -> Self {
        Self {
            table: K::TABLE,
            change,
            attributes: primary_key(key),
            updates: Default::default(),
            conditions: Vec::new(),
            names: HashMap::new(),
            values: HashMap::new(),
            fault: None,
        }
    }

    /// Sets an attribute.
    pub fn set(mut self, attribute: &str, value: impl Serialize) -> Self {
        let (name, value) = (self.name(attribute), self.value(value));
        self.updates[SET].push(format!("{name} = {value}"));
        self
    }

    fn set_attribute(mut self, attribute: &str, value: AttributeValue) -> Self {
        let (name, bound) = (self.name(attribute), self.bind(value));
        self.updates[SET].push(format!("{name} = {bound}"));
        self
    }

    fn append(mut self, attribute: &str, values: Vec<AttributeValue>) -> Self {
        let (name, bound) = (self.name(attribute), self.bind(AttributeValue::L(values)));
        self.updates[SET].push(format!("{name} = list_append({name}, {bound})"));
        self
    }

    /// Adds to a number; one that is absent counts as zero.
    pub fn add(mut self, attribute: &str, number: i64) -> Self {
        let (name, value) = (self.name(attribute), self.value(number));
        self.updates[ADD].push(format!("{name} {value}"));
        self
    }

    /// Removes an attribute.
    pub fn remove(mut self, attribute: &str) -> Self {
        let name = self.name(attribute);
        self.updates[REMOVE].push(name);
        self
    }

    /// Only if the attribute compares so with the value. An absent one compares with nothing.
    pub fn when(mut self, attribute: &str, compare: Compare, value: impl Serialize) -> Self {
        let condition = self.comparison(attribute, compare, value);
        self.conditions.push(condition);
        self
    }

    /// Only if the attribute is absent, or compares so with the value.
    pub fn when_absent_or(
        mut self,
        attribute: &str,
        compare: Compare,
        value: impl Serialize,
    ) -> Self {
        let (name, comparison) = (self.name(attribute), self.comparison(attribute, compare, value));
        self.conditions.push(format!("(attribute_not_exists({name}) OR {comparison})"));
        self
    }

    /// Only if the attribute is one of these values.
    pub fn when_one_of<V: Serialize>(mut self, attribute: &str, values: &[V]) -> Self {
        let name = self.name(attribute);
        let values: Vec<_> = values.iter().map(|value| self.value(value)).collect();
        self.conditions.push(format!("{name} IN ({})", values.join(", ")));
        self
    }

    /// Only if the attribute is absent; of `pk`: only if there is no such item.
    pub fn when_absent(mut self, attribute: &str) -> Self {
        let name = self.name(attribute);
        self.conditions.push(format!("attribute_not_exists({name})"));
        self
    }

    /// Only if the attribute is there; of `pk`: only if there is such an item.
    pub fn when_present(mut self, attribute: &str) -> Self {
        let name = self.name(attribute);
        self.conditions.push(format!("attribute_exists({name})"));
        self
    }

    fn comparison(&mut self, attribute: &str, compare: Compare, value: impl Serialize) -> String {
        format!("{} {} {}", self.name(attribute), compare.sign(), self.value(value))
    }

    fn name(&mut self, attribute: &str) -> String {
        let name = format!("#{attribute}");
        self.names.insert(name.clone(), attribute.to_owned());
        name
    }

    fn value(&mut self, value: impl Serialize) -> String {
        let value = serde_dynamo::to_attribute_value::<_, AttributeValue>(value);
        let value = value.unwrap_or_else(|error| {
            self.fault = Some(error.to_string());
            AttributeValue::Null(true)
        });
        self.bind(value)
    }

    fn bind(&mut self, value: AttributeValue) -> String {
        let name = format!(":v{}", self.values.len());
        self.values.insert(name.clone(), value);
        name
    }

    /// Leaves an id in the item, if the write has conditions: what can't fail needs none. A deletion leaves nothing.
    pub(crate) fn identified(mut self, id: &AttributeValue) -> Self {
        match self.change {
            _ if self.conditions.is_empty() => self,
            Change::Put => {
                self.attributes.insert(ID.to_owned(), id.clone());
                self
            }
            Change::Update => self.set_attribute(ID, id.clone()),
            Change::Delete | Change::Check => self,
        }
    }

    /// The key or item, unless a value can't be stored.
    pub(crate) fn checked(&self) -> Result<Option<Attributes>, StoreFault> {
        match &self.fault {
            Some(fault) => Err(StoreFault::Refused(fault.clone().into())),
            None => Ok(Some(self.attributes.clone())),
        }
    }

    pub(crate) fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    pub(crate) fn update_expression(&self) -> Option<String> {
        let clauses = ["SET", "ADD", "REMOVE"]
            .iter()
            .zip(&self.updates)
            .filter(|(_, parts)| !parts.is_empty());
        let clauses: Vec<_> =
            clauses.map(|(word, parts)| format!("{word} {}", parts.join(", "))).collect();
        (!clauses.is_empty()).then(|| clauses.join(" "))
    }

    /// Names and values as requests want them: absent when there are none.
    pub(crate) fn bindings(&self) -> (Option<HashMap<String, String>>, Option<Attributes>) {
        let names = (!self.names.is_empty()).then(|| self.names.clone());
        (names, (!self.values.is_empty()).then(|| self.values.clone()))
    }
}
