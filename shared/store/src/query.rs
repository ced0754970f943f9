use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Store, StoreFault, Table,
    fault::Effect,
    read::{Attributes, readable},
};

/// Where a query looks: a table's own keys, or an index.
#[derive(Clone, Copy, Debug)]
pub struct Index {
    /// The table.
    pub table: Table,
    /// The index; none for the table itself.
    pub name: Option<&'static str>,
    /// The partition key's attribute.
    pub partition: &'static str,
    /// The sort key's attribute.
    pub sort: &'static str,
}

/// Items of one partition, in the order of their sort keys.
#[derive(Clone, Debug)]
#[must_use]
pub struct Query {
    index: Index,
    partition: String,
    at_most: Option<i64>,
    beginning: Option<&'static str>,
    between: Option<[String; 2]>,
    backwards: bool,
    consistent: bool,
    limit: u32,
    start: Option<Start>,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts; none after the last item.
    pub next: Option<Start>,
}

impl<T> Page<T> {
    /// The same of something else.
    pub fn map<U>(self, of: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(of).collect(), next: self.next }
    }
}

impl<T> From<Page<T>> for (Vec<T>, Option<Start>) {
    fn from(page: Page<T>) -> Self {
        (page.items, page.next)
    }
}

/// The item after which a page starts. It names keys, so it reaches a caller only sealed, as a cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Start(BTreeMap<String, Part>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    #[serde(rename = "s")]
    Text(String),
    #[serde(rename = "n")]
    Number(String),
}

impl Query {
    /// The first items of a partition, at most `limit`.
    pub fn new(index: Index, partition: String, limit: u32) -> Self {
        let (at_most, beginning, between, start) = (None, None, None, None);
        let (backwards, consistent) = (false, false);
        Self { index, partition, at_most, beginning, between, backwards, consistent, limit, start }
    }

    /// Only up to this sort key, itself included.
    pub fn at_most(self, sort: i64) -> Self {
        Self { at_most: Some(sort), ..self }
    }

    /// Only sort keys that begin so: of a partition that holds several kinds, one.
    pub fn beginning(self, prefix: &'static str) -> Self {
        Self { beginning: Some(prefix), ..self }
    }

    /// Only sort keys from the one text to the other, both included.
    pub fn between(self, first: String, last: String) -> Self {
        Self { between: Some([first, last]), ..self }
    }

    /// As it is after every write that was answered. It costs twice as much, and no index has it.
    pub fn consistent(self) -> Self {
        Self { consistent: true, ..self }
    }

    /// From the highest sort key down: newest first.
    pub fn backwards(self) -> Self {
        Self { backwards: true, ..self }
    }

    /// Goes on after a page.
    pub fn after(self, start: Option<Start>) -> Self {
        Self { start, ..self }
    }
}

impl Store {
    /// Reads one page of a list. It has an item less for each that can't be read.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn query<T: DeserializeOwned>(&self, query: Query) -> Result<Page<T>, StoreFault> {
        let table = query.index.table;
        let Page { items, next } = self.page(query).await?;
        let items = items.into_iter().filter_map(|item| readable(table, item));
        Ok(Page { items: items.collect(), next })
    }

    /// Reads one page as it stands: for what is wrong without an item that can't be read.
    pub(crate) async fn page(&self, query: Query) -> Result<Page<Attributes>, StoreFault> {
        let limit = query.limit as usize;
        let mut items = self.query_raw(&query).await?;
        // One more was asked for than is shown: so the last page is known for what it is.
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| query.index.start_after(last));
        Ok(Page { items, next })
    }

    async fn query_raw(&self, query: &Query) -> Result<Vec<Attributes>, StoreFault> {
        let Query { index, .. } = query;
        let mut condition = "#partition = :partition".to_owned();
        let mut request = self
            .client
            .query()
            .table_name(self.name(index.table))
            .set_index_name(index.name.map(str::to_owned))
            .expression_attribute_names("#partition", index.partition)
            .expression_attribute_values(":partition", AttributeValue::S(query.partition.clone()))
            .scan_index_forward(!query.backwards)
            .set_consistent_read(query.consistent.then_some(true))
            .set_exclusive_start_key(query.start.clone().map(Start::attributes));
        if let Some(sort) = query.at_most {
            condition.push_str(" AND #sort <= :sort");
            request = request
                .expression_attribute_names("#sort", index.sort)
                .expression_attribute_values(":sort", AttributeValue::N(sort.to_string()));
        }
        if let Some(prefix) = query.beginning {
            condition.push_str(" AND begins_with(#sort, :prefix)");
            request = request
                .expression_attribute_names("#sort", index.sort)
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()));
        }
        if let Some([first, last]) = &query.between {
            condition.push_str(" AND #sort BETWEEN :first AND :last");
            request = request
                .expression_attribute_names("#sort", index.sort)
                .expression_attribute_values(":first", AttributeValue::S(first.clone()))
                .expression_attribute_values(":last", AttributeValue::S(last.clone()));
        }
        let wanted = query.limit.saturating_add(1);
        let mut found = Vec::new();
        loop {
            let rest = i32::try_from(wanted as usize - found.len()).unwrap_or(i32::MAX);
            let answer =
                request.clone().key_condition_expression(&condition).limit(rest).send().await;
            let answer = answer.map_err(|error| StoreFault::of(error, Effect::Read))?;
            found.extend(answer.items.unwrap_or_default());
            // A page ends at 1 MB, however few items that is.
            match answer.last_evaluated_key {
                Some(last) if found.len() < wanted as usize => {
                    request = request.set_exclusive_start_key(Some(last))
                }
                _ => return Ok(found),
            }
        }
    }
}

impl Index {
    /// A table's own keys.
    pub(crate) const fn of(table: Table) -> Self {
        Self { table, name: None, partition: "pk", sort: "sk" }
    }

    pub(crate) fn start_after(self, item: &Attributes) -> Start {
        let keys = ["pk", "sk", self.partition, self.sort];
        let part = |value: &AttributeValue| match value {
            AttributeValue::S(text) => Some(Part::Text(text.clone())),
            AttributeValue::N(number) => Some(Part::Number(number.clone())),
            _ => None,
        };
        Start(
            keys.iter()
                .filter_map(|key| Some(((*key).to_owned(), part(item.get(*key)?)?)))
                .collect(),
        )
    }
}

impl Start {
    pub(crate) fn attributes(self) -> Attributes {
        let value = |part| match part {
            Part::Text(text) => AttributeValue::S(text),
            Part::Number(number) => AttributeValue::N(number),
        };
        self.0.into_iter().map(|(key, part)| (key, value(part))).collect()
    }
}
