use aws_lambda_events::event::dynamodb;
use store::catalog::event::Event;

/// What a record of the catalog's stream says of one event.
pub struct Change {
    /// The event before; none when it was published.
    pub before: Option<Event>,
    /// The event after; none when its item was removed.
    pub after: Option<Event>,
}

/// An event that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{key} can't be read: {cause}")]
pub struct Unreadable {
    /// Its item's partition key.
    pub key: String,
    /// Why.
    pub cause: serde_dynamo::Error,
}

/// The changes of events in a batch of the catalog's stream, each with its record's sequence number. Other items are passed
/// over; an event that can't be read is an error of its own.
pub fn changes(
    batch: dynamodb::Event,
) -> impl Iterator<Item = (String, Result<Change, Unreadable>)> {
    let changes = batch.records.into_iter().map(|record| record.change);
    changes.filter_map(|change| {
        let key = event_key(&change.keys)?;
        let read =
            || Ok(Change { before: event(change.old_image)?, after: event(change.new_image)? });
        let read = read().map_err(|cause| Unreadable { key, cause });
        Some((change.sequence_number.unwrap_or_default(), read))
    })
}

/// The partition key of an event's item; none of any other item.
fn event_key(keys: &serde_dynamo::Item) -> Option<String> {
    let key = |name| match keys.get(name) {
        Some(serde_dynamo::AttributeValue::S(key)) => key.as_str(),
        _ => "",
    };
    let pk = key("pk");
    (pk.starts_with("EVT#") && key("sk") == "EVENT").then(|| pk.to_owned())
}

/// An image that is not there arrives empty.
fn event(image: serde_dynamo::Item) -> Result<Option<Event>, serde_dynamo::Error> {
    if image.is_empty() {
        return Ok(None);
    }
    serde_dynamo::from_item(image).map(Some)
}
