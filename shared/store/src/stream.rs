use aws_lambda_events::event::dynamodb;
use serde::de::DeserializeOwned;
use serde_dynamo::AttributeValue;

/// A kind of item that somebody follows on its table's stream.
pub trait Streamed: DeserializeOwned {
    /// The sort key that only items of this kind have.
    const SORT_KEY: &'static str;
}

/// What a record of a stream says of one item.
#[derive(Debug)]
pub struct Change<Item> {
    /// The record's sequence number.
    pub record: String,
    /// The item before; none when it is new.
    pub before: Option<Item>,
    /// The item after; none when it was removed.
    pub after: Option<Item>,
}

/// An item that can't be read, however often its record comes.
#[derive(Debug, thiserror::Error)]
#[error("{key} can't be read: {cause}")]
pub struct Unreadable {
    /// The record's sequence number.
    pub record: String,
    /// The item's partition key.
    pub key: String,
    /// Why.
    pub cause: serde_dynamo::Error,
}

/// The changes of one kind of item in a batch of its table's stream. Items of other kinds are left out.
pub fn changes<Item: Streamed>(
    batch: dynamodb::Event,
) -> impl Iterator<Item = Result<Change<Item>, Unreadable>> {
    let changes = batch.records.into_iter().map(|record| record.change);
    changes.filter(|change| text(&change.keys, "sk") == Item::SORT_KEY).map(|change| {
        let record = change.sequence_number.unwrap_or_default();
        match (item(change.old_image), item(change.new_image)) {
            (Ok(before), Ok(after)) => Ok(Change { record, before, after }),
            (Err(cause), _) | (_, Err(cause)) => {
                Err(Unreadable { record, key: text(&change.keys, "pk").to_owned(), cause })
            }
        }
    })
}

fn text<'keys>(keys: &'keys serde_dynamo::Item, name: &str) -> &'keys str {
    match keys.get(name) {
        Some(AttributeValue::S(text)) => text,
        _ => "",
    }
}

/// An image that is not there arrives empty.
fn item<Item: DeserializeOwned>(
    image: serde_dynamo::Item,
) -> Result<Option<Item>, serde_dynamo::Error> {
    if image.is_empty() {
        return Ok(None);
    }
    serde_dynamo::from_item(image).map(Some)
}
