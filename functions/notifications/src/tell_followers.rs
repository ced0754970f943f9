//! Worker on the queue of what followers are to be told: fans a new event out over an artist's followers, a page with each message.
//!
//! The bus brings the first message. It is made one for each shard of the followers, and each of those one for the next page as soon
//! as its own is told. Whatever dies on the way comes again, and telling somebody twice changes nothing.

use std::time::Duration;

use api::Worker;
use domain::{event::State, id::EventId, time::Time};
use futures::future::join_all;
use gateways::{Message, Queue, queue::NotSent};
use serde::{Deserialize, Serialize};
use store::{
    Start, Store, StoreFault,
    catalog::event::{Event, EventKey},
    identity::follow::SHARDS,
    inbox::notification::{self, Notification},
};

/// A domain event as EventBridge brings it, and with it how far its followers were told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    detail: Detail,
    /// Which followers are next; none as long as nobody was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
}

/// What the bus says of a new event. All else the table knows better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    /// The same, however often it is published.
    id: String,
    event_id: EventId,
}

/// A page of followers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Next {
    shard: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<Start>,
}

impl Message for Published {
    const QUEUE: &'static str = "FOLLOWERS_QUEUE_URL";
}

/// So many are told with one message, all at once.
const PAGE: u32 = 25;

/// Why somebody may not have been told.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database's trouble.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The rest could not be sent on.
    #[error(transparent)]
    NotSent(#[from] NotSent),
}

/// Tells a page of followers, and sends the rest on. Of an event that nobody can come to any more, nobody is told.
///
/// # Errors
/// When somebody could not be told, or the rest not be sent: the message comes again.
pub async fn handle(
    (store, queue): (Store, Queue<Published>),
    Published { detail, next }: Published,
) -> Result<(), Failure> {
    let event = store.get(&EventKey(detail.event_id)).await?;
    let Some(event) = event.filter(|event| is_to_come(event, Time::now())) else { return Ok(()) };
    let message = |shard, start| {
        let next = Some(Next { shard, start });
        (Published { detail: detail.clone(), next }, Duration::ZERO)
    };
    let rest: Vec<_> = match next {
        None => (0..SHARDS).map(|shard| message(shard, None)).collect(),
        Some(Next { shard, start }) => {
            let start = tell(&store, &detail, event, shard, start).await?;
            start.map(|start| message(shard, Some(start))).into_iter().collect()
        }
    };
    queue.send_all(&rest).await.into_iter().collect::<Result<(), _>>()?;
    Ok(())
}

/// Tells one page, and answers where the next one starts.
async fn tell(
    store: &Store,
    detail: &Detail,
    event: Event,
    shard: u8,
    start: Option<Start>,
) -> Result<Option<Start>, StoreFault> {
    let followers = store.followers_of(event.artist_id, shard, PAGE, start).await?;
    let artist = notification::Artist { id: event.artist_id, nickname: event.artist_nickname };
    let it = notification::Event { id: event.id, title: event.title };
    let notification = Notification::new_event(&detail.id, event.created_at, it, artist);
    let told = followers.items.iter().map(|to| store.notify(to.member_id, &notification));
    join_all(told).await.into_iter().collect::<Result<(), _>>()?;
    Ok(followers.next)
}

fn is_to_come(event: &Event, now: Time) -> bool {
    event.state == State::Open && event.deleted_at.is_none() && event.schedule.not_over(now).is_ok()
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}
