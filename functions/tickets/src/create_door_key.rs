//! `POST /v1/events/{eventId}/door-keys`: a key for a volunteer at the door of one's own event.

use std::time::Duration;

use api::{Answer, Body, Call, FieldFaults, Path, Problem};
use deserr::Deserr;
use domain::{
    codes::EVENT_CANCELLED,
    event::State,
    id::DoorKeyId,
    ticket::{ScannerName, door_keys_end_at},
    time::Time,
};
use serde::Serialize;
use store::{
    Store, Ttl,
    catalog::on_sale::OnSaleKey,
    identity::{door_key::DoorKey, session::Artist},
};
use utoipa::ToSchema;

use crate::{
    codes,
    door::{DoorToken, own},
    path::EventPath,
};

/// Whom or what a door key is for.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CreateDoorKey {
    /// Such as a volunteer's first name, or a device.
    name: ScannerName,
}

/// A door key that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewDoorKey {
    /// Its id.
    pub(crate) id: DoorKeyId,
    /// Whom or what it is for.
    name: ScannerName,
    /// What its holder sends as `Authorization: Bearer`. It is told here and never again.
    #[schema(
        example = "dok_01KB4ZXJ3V8Q5W7N2M6T9RHCDE.q3V0bmV2ZXItdG9sZC1hZ2Fpbi10by1hbnlib2R5ISE"
    )]
    pub(crate) key: String,
    /// Until when it is good: a week after the event.
    ends_at: Time,
}

/// Makes a door key
///
/// For volunteers: whoever has it may check the tickets of this event in, and do nothing else. An event has 20 at most. Whoever
/// did not hear the answer revokes it and makes another.
#[utoipa::path(post, path = "/v1/events/{eventId}/door-keys", request_body = CreateDoorKey, params(EventPath),
    responses(
        (status = 201, description = "Made", body = NewDoorKey, headers(("Location" = String))),
    ),
    security(("bearer" = ["ARTIST"])),
)]
pub async fn handle(
    store: Store,
    call: Call<Artist, (Path<EventPath>, Body<CreateDoorKey>)>,
) -> Result<Answer<NewDoorKey>, Problem> {
    let Call { who, input: (Path(EventPath { event_id }), Body(body)), context } = call;
    let (session, event) = store.read_for(&who, OnSaleKey(event_id), context.now).await?;
    let event = own(event, &session)?;
    if event.state == State::Cancelled {
        return Err(Problem::new(EVENT_CANCELLED));
    }
    let ends_at = door_keys_end_at(&event.schedule);
    if ends_at <= context.now {
        return Err(Problem::new(codes::ENTRY_CLOSED));
    }
    let token = DoorToken::generate()?;
    let key = DoorKey {
        id: token.id(),
        event_id,
        name: body.name,
        hash: token.hash(),
        created_at: context.now,
        expires_at: Ttl::at(ends_at.plus(POSTPONED)),
    };
    store.create_door_key(&key).await?;
    let location = format!("/v1/events/{event_id}/door-keys/{}", key.id);
    let new = NewDoorKey { id: key.id, name: key.name, key: token.text(), ends_at };
    Ok(Answer::created(new, &location))
}

/// How long it is kept besides: its event may be postponed.
const POSTPONED: Duration = Duration::from_hours(24 * 180);

#[cfg(test)]
mod tests {
    use domain::{id::EventId, member::Role};
    use futures::future::join_all;
    use store::{catalog::event::Event, identity::door_key::MOST};

    use super::*;
    use crate::testing::{artist_of, keyed, published};

    /// How many of so many who want one at once get a door key.
    async fn made(store: &Store, wanted: usize) -> usize {
        let (artist, event) = artist_of(store, |event| event).await;
        let all = (0..wanted).map(|_| keyed(store, &artist, event.id));
        let all = join_all(all).await;
        for refused in all.iter().filter_map(|made| made.as_ref().err()) {
            assert_eq!(refused.code(), "DOOR_KEYS_TOO_MANY");
        }
        all.iter().filter(|made| made.is_ok()).count()
    }

    #[test]
    fn an_event_has_twenty_door_keys_at_most_however_many_are_asked_for_at_once() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            assert_eq!(made(&store, 25).await, MOST as usize);
            let unguarded = Store::new(stack::without("count"), stack::prefix());
            assert_eq!(made(&unguarded, 25).await, 25);
        });
    }

    #[test]
    fn a_door_key_is_told_once_and_stored_as_a_hash() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            let (artist, event) = artist_of(&store, |event| event).await;
            meter.take();
            let made = keyed(&store, &artist, event.id).await.unwrap();
            stack::assert_operation("create_door_key", &meter.take());
            let [kept] = &store.door_keys_of(event.id, 10, None).await.unwrap().items[..] else {
                panic!("one")
            };
            assert_eq!(kept.id, made.id);
            let (_, secret) = made.key.split_once('.').unwrap();
            let items = stack::items(&format!("{}-identity", stack::prefix())).await;
            assert!(items.iter().all(|item| !item.to_string().contains(secret)));
        });
    }

    #[test]
    fn only_for_one_s_own_event_that_takes_place_and_is_not_long_over() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            let now = Time::now();
            let (artist, _) = artist_of(&store, |event| event).await;
            let other = published(&store, stack::event(10, now)).await;
            let cancelled = |event: Event| Event { state: State::Cancelled, ..event };
            let (called_off, cancelled) = artist_of(&store, cancelled).await;
            let member = stack::member(Role::Artist, now);
            let over = move |event: Event| {
                let long_ago = now.minus(std::time::Duration::from_hours(24 * 6));
                Event { schedule: stack::event_over(&member, long_ago).schedule, ..event }
            };
            let (late, over) = artist_of(&store, over).await;
            for (who, event_id, code) in [
                (&artist, other.id, "EVENT_NOT_FOUND"),
                (&artist, EventId::generate(), "EVENT_NOT_FOUND"),
                (&called_off, cancelled.id, "EVENT_CANCELLED"),
                (&late, over.id, "ENTRY_CLOSED"),
            ] {
                assert_eq!(keyed(&store, who, event_id).await.unwrap_err().code(), code);
            }
        });
    }
}
