use aws_lambda_events::event::dynamodb;
use store::catalog::event::Event;

/// What a record of the catalog's stream says of one event.
pub struct Change {
    /// The event before; none when it was published.
    pub before: Option<Event>,
    /// The event after; none when its item was removed.
    pub after: Option<Event>,
}

/// The changes of events in a batch of the catalog's stream, each with its record's sequence number. Other items are passed
/// over; an event that can't be read is an error of its own.
pub fn changes(
    batch: dynamodb::Event,
) -> impl Iterator<Item = (String, Result<Change, serde_dynamo::Error>)> {
    let changes = batch.records.into_iter().map(|record| record.change);
    changes.filter(|change| is_event(&change.keys)).map(|change| {
        let read =
            || Ok(Change { before: event(change.old_image)?, after: event(change.new_image)? });
        (change.sequence_number.unwrap_or_default(), read())
    })
}

fn is_event(keys: &serde_dynamo::Item) -> bool {
    let key = |name| match keys.get(name) {
        Some(serde_dynamo::AttributeValue::S(key)) => key.as_str(),
        _ => "",
    };
    key("pk").starts_with("EVT#") && key("sk") == "EVENT"
}

/// An image that is not there arrives empty.
fn event(image: serde_dynamo::Item) -> Result<Option<Event>, serde_dynamo::Error> {
    if image.is_empty() {
        return Ok(None);
    }
    serde_dynamo::from_item(image).map(Some)
}
