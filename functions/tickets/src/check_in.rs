//! `POST /v1/events/{eventId}/check-ins`: lets people in, by the event's artist or a door key.

use std::collections::BTreeMap;

use api::{Answer, Body, Call, FieldFaults, Path, Problem};
use deserr::Deserr;
use domain::{
    codes::EVENT_CANCELLED,
    event::State as EventState,
    fault::Code,
    id::TicketId,
    invalid::Invalid,
    ticket::{DoorsClosed, ScannerName, State, doors_open_at},
    time::Time,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use store::{
    Rejected, Store, StoreFault,
    catalog::on_sale::OnSale,
    sales::ticket::{CheckIn, Ticket},
};
use utoipa::ToSchema;

use crate::{
    codes,
    door::{Doorkeeper, event_at_the_door},
    path::EventPath,
    payload::{Payload, PublicKeys},
};

/// How many scans are taken at once.
const MOST: usize = 100;

/// So many tickets are checked in side by side.
const SIDE_BY_SIDE: usize = 8;

/// One scan (`payload`, `scannedAt`, `device`), or all that a scanner without a network has kept (`scans`).
#[derive(Debug, Default, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({
    "payload": "eyJhbGciOiJFZERTQSIsImtpZCI6IkI3bEtfN2I0In0.eyJzdWIiOiJ0a3RfMDFLQjRaWEozVjhRNVc3TjJNNlQ5UkhDREUifQ.c2lnbmVk",
    "scannedAt": "2026-12-24T19:10:00+09:00", "device": "정문 스캐너 1",
}))]
pub struct CheckInBody {
    /// What the QR code says.
    #[deserr(default)]
    #[schema(value_type = String, required = false)]
    payload: Option<String>,
    /// When, by the scanner's clock: the same scan sent again has the same.
    #[deserr(default)]
    #[schema(value_type = Time, required = false)]
    scanned_at: Option<Time>,
    #[deserr(default)]
    #[schema(value_type = ScannerName, required = false)]
    device: Option<ScannerName>,
    /// In place of the others: up to 100 scans, each answered for itself.
    #[deserr(default)]
    #[schema(value_type = Vec<Scan>, required = false, min_items = 1, max_items = 100)]
    scans: Option<Vec<Scan>>,
}

/// What a scanner saw.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scan {
    /// What the QR code says.
    #[schema(
        example = "eyJhbGciOiJFZERTQSIsImtpZCI6IkI3bEtfN2I0In0.eyJzdWIiOiJ0a3RfMDFLQjRaWEozVjhRNVc3TjJNNlQ5UkhDREUifQ.c2lnbmVk"
    )]
    payload: String,
    /// When, by the scanner's clock: the same scan sent again has the same.
    scanned_at: Time,
    device: ScannerName,
}

/// What became of scans, in the order in which they were sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckIns {
    /// One for each scan.
    items: Vec<CheckInView>,
}

/// What became of a scan.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckInView {
    /// The ticket; `null` where the payload is none of ours.
    #[schema(required)]
    ticket_id: Option<TicketId>,
    /// Whether somebody is let in, or why not.
    outcome: Outcome,
    /// The scan that let somebody in with this ticket, this one or another's; `null` where none did.
    #[schema(required)]
    first: Option<FirstScan>,
}

/// The scan by which a ticket let somebody in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FirstScan {
    /// When, by the scanner's clock.
    scanned_at: Time,
    /// Which scanner.
    device: ScannerName,
}

/// What the refusal of one scan tells besides.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LetInBefore {
    /// The scan that let somebody in with this ticket; absent where none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<FirstScan>,
}

/// Whether a scan lets somebody in, or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// It does, or did when it was sent before.
    CheckedIn,
    /// Somebody was let in with this ticket before.
    AlreadyCheckedIn,
    /// Another scanner recorded it first, though this scan is the earlier one: two people came in with one ticket. What was
    /// written first stays.
    CheckInConflict,
    /// The ticket was given back.
    TicketRefunded,
    /// There is no such ticket.
    TicketUnknown,
    /// We did not sign it.
    TicketForged,
    /// It is for another event.
    TicketOfAnotherEvent,
    /// It was scanned more than six hours before the start.
    EntryNotOpen,
    /// It was scanned more than an hour after the end.
    EntryClosed,
    /// It was scanned in the future: the scanner's clock is wrong.
    ScannedAhead,
}

impl Outcome {
    /// How one scan is refused with it; none where it is let in.
    fn code(self) -> Option<Code> {
        Some(match self {
            Self::CheckedIn => return None,
            Self::AlreadyCheckedIn => codes::ALREADY_CHECKED_IN,
            Self::CheckInConflict => codes::CHECK_IN_CONFLICT,
            Self::TicketRefunded => codes::TICKET_REFUNDED,
            Self::TicketUnknown => codes::TICKET_UNKNOWN,
            Self::TicketForged => codes::TICKET_FORGED,
            Self::TicketOfAnotherEvent => codes::TICKET_OF_ANOTHER_EVENT,
            Self::EntryNotOpen => codes::ENTRY_NOT_OPEN,
            Self::EntryClosed => codes::ENTRY_CLOSED,
            Self::ScannedAhead => codes::SCANNED_AHEAD,
        })
    }
}

/// Checks tickets in
///
/// By the event's artist, or by whoever has one of its door keys. A ticket lets one person in, once: the scan that is written
/// first. The same scan (ticket, time, device) sent again is answered the same. One scan is let in or refused, with the first one
/// beside the refusal; of many each is answered for itself, in the order of their times. People are let in from six hours before
/// the start to an hour after the end; what was scanned without a network is taken for a week after that.
#[utoipa::path(post, path = "/v1/events/{eventId}/check-ins", request_body = CheckInBody, params(EventPath),
    responses(
        (status = 200, description = "Checked in, or, of many, what became of each", body = CheckIns),
        (status = 409, description = "Refused", body = LetInBefore, content_type = "application/problem+json"),
    ),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, keys): (Store, PublicKeys),
    call: Call<Doorkeeper, (Path<EventPath>, Body<CheckInBody>)>,
) -> Result<Answer<CheckIns>, Problem> {
    let Call { who, input: (Path(EventPath { event_id }), Body(body)), context } = call;
    let event = event_at_the_door(&store, who, event_id, &context).await?;
    let (scans, is_one) = body.scans()?;
    match event.state {
        EventState::Open => {}
        EventState::Cancelled => return Err(Problem::new(EVENT_CANCELLED)),
        EventState::Draft | EventState::Unknown => return Err(Problem::new(codes::ENTRY_UNKNOWN)),
    }
    let door = Door { store, keys, event, now: context.now };
    let items = door.check_all_in(scans).await?;
    let refused = items.iter().find_map(|item| Some((item.outcome.code()?, item.first.clone())));
    if let Some((code, first)) = refused.filter(|_| is_one) {
        return Err(Problem::new(code).telling(&LetInBefore { first }));
    }
    Ok(Answer::ok(CheckIns { items }))
}

impl CheckInBody {
    /// What was scanned, and whether it is one scan.
    fn scans(self) -> Result<(Vec<Scan>, bool), Problem> {
        let Self { payload, scanned_at, device, scans } = self;
        let one = [
            ("payload", payload.is_some()),
            ("scannedAt", scanned_at.is_some()),
            ("device", device.is_some()),
        ];
        let named = |given: bool| -> Vec<_> {
            one.iter().filter(|(_, it)| *it == given).map(|(name, _)| *name).collect()
        };
        match (scans, payload, scanned_at, device) {
            (Some(scans), None, None, None) if (1..=MOST).contains(&scans.len()) => {
                Ok((scans, false))
            }
            (Some(_), None, None, None) => {
                Err(Problem::broken_rules(vec![("scans", Invalid::Length { min: 1, max: MOST })]))
            }
            (Some(_), ..) => Err(Problem::body_fields(&named(true), api::codes::UNKNOWN_FIELD)),
            (None, Some(payload), Some(scanned_at), Some(device)) => {
                Ok((vec![Scan { payload, scanned_at, device }], true))
            }
            (None, ..) => Err(Problem::body_fields(&named(false), api::codes::MISSING)),
        }
    }
}

/// An event whose doors are watched.
struct Door {
    store: Store,
    keys: PublicKeys,
    event: OnSale,
    now: Time,
}

impl Door {
    /// Checks in what was scanned, the tickets side by side.
    async fn check_all_in(&self, scans: Vec<Scan>) -> Result<Vec<CheckInView>, StoreFault> {
        let mut tickets: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (place, scan) in scans.into_iter().enumerate() {
            let said = self.keys.open(&scan.payload).ok();
            let ticket_id = said.map(|said| said.ticket_id);
            tickets.entry(ticket_id).or_default().push((place, scan, said));
        }
        let tickets: Vec<_> =
            tickets.into_values().map(|scans| self.check_in_turn(scans)).collect();
        let mut all = stream::iter(tickets).buffer_unordered(SIDE_BY_SIDE).try_concat().await?;
        all.sort_by_key(|(place, _)| *place);
        Ok(all.into_iter().map(|(_, view)| view).collect())
    }

    /// The scans of one ticket: the earliest lets somebody in.
    async fn check_in_turn(
        &self,
        mut scans: Vec<(usize, Scan, Option<Payload>)>,
    ) -> Result<Vec<(usize, CheckInView)>, StoreFault> {
        scans.sort_by_key(|(_, scan, _)| scan.scanned_at);
        let mut views = Vec::new();
        for (place, scan, said) in scans {
            views.push((place, self.check_in(scan, said).await?));
        }
        Ok(views)
    }

    async fn check_in(&self, scan: Scan, said: Option<Payload>) -> Result<CheckInView, StoreFault> {
        let Some(said) = said else {
            return Ok(CheckInView {
                ticket_id: None,
                outcome: Outcome::TicketForged,
                first: None,
            });
        };
        let (outcome, first) = if said.event_id != self.event.id {
            (Outcome::TicketOfAnotherEvent, None)
        } else {
            match doors_open_at(&self.event.schedule, scan.scanned_at, self.now) {
                Ok(()) => self.let_in(said.ticket_id, scan).await?,
                Err(DoorsClosed::NotYet) => (Outcome::EntryNotOpen, None),
                Err(DoorsClosed::Over) => (Outcome::EntryClosed, None),
                Err(DoorsClosed::Ahead) => (Outcome::ScannedAhead, None),
            }
        };
        let first =
            first.map(|CheckIn { scanned_at, device, .. }| FirstScan { scanned_at, device });
        Ok(CheckInView { ticket_id: Some(said.ticket_id), outcome, first })
    }

    async fn let_in(
        &self,
        ticket_id: TicketId,
        scan: Scan,
    ) -> Result<(Outcome, Option<CheckIn>), StoreFault> {
        // As it is kept: the same scan is known by it when it is sent again.
        let scanned_at = Time::from_millis(scan.scanned_at.millis());
        let check_in = CheckIn { scanned_at, device: scan.device, recorded_at: self.now };
        match self.store.check_in(self.event.id, ticket_id, &check_in).await {
            Ok(()) => Ok((Outcome::CheckedIn, Some(check_in))),
            Err(Rejected::Condition(found)) => Ok(kept_out(found, check_in)),
            Err(Rejected::Store(fault)) => Err(fault),
        }
    }
}

/// What a scan comes to whose ticket lets nobody in any more.
fn kept_out(found: Option<Ticket>, scan: CheckIn) -> (Outcome, Option<CheckIn>) {
    let Some(ticket) = found else { return (Outcome::TicketUnknown, None) };
    match (ticket.state, ticket.check_in) {
        (State::CheckedIn, Some(first)) => {
            let same_device = first.device == scan.device;
            let outcome = if same_device && first.scanned_at == scan.scanned_at {
                Outcome::CheckedIn
            } else if !same_device && scan.scanned_at < first.scanned_at {
                Outcome::CheckInConflict
            } else {
                Outcome::AlreadyCheckedIn
            };
            (outcome, Some(first))
        }
        (State::CheckedIn, None) => (Outcome::AlreadyCheckedIn, None),
        (State::Refunded, _) => (Outcome::TicketRefunded, None),
        // A newer program knows what it is, or it is another event's under this one's name.
        (State::Valid | State::Unknown, _) => (Outcome::TicketUnknown, None),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use api::Context;
    use domain::{
        id::{DoorKeyId, EventId},
        member::Role,
        who::{Claims, Who},
    };
    use futures::future::join_all;
    use serde_json::{Value, json};
    use store::{Write, catalog::event::Event, sales::ticket::TicketKey};

    use super::*;
    use crate::{
        path::DoorKeyPath,
        revoke_door_key,
        testing::{artist_of, keyed, payload_of, public_keys, published, read, ticket_for},
    };

    const MINUTE: Duration = Duration::from_mins(1);

    fn store() -> Store {
        Store::new(stack::dynamo(), stack::prefix())
    }

    /// Who stands at the door: the artist, or somebody with a door key.
    enum By<'a> {
        Artist(&'a Claims),
        Key(&'a str),
    }
    use By::{Artist, Key};

    /// What a caller sees.
    async fn seen(
        store: &Store,
        by: By<'_>,
        event_id: EventId,
        body: Value,
        now: Time,
    ) -> (u16, Value) {
        let context = Context::at(now);
        let who = match by {
            Artist(claims) => stack::caller(claims),
            Key(key) => Doorkeeper::of_token(key).unwrap(),
        };
        let input = (Path(EventPath { event_id }), read(body));
        let call = Call { who, input, context: context.clone() };
        let answer = handle((store.clone(), public_keys()), call).await;
        let refused = |problem: Problem| problem.into_response(&context);
        let (head, body) = answer.map_or_else(refused, api::Response::from).into_parts();
        (head.status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    fn scan(payload: &str, at: Time, device: &str) -> Value {
        json!({ "payload": payload, "scannedAt": at, "device": device })
    }

    /// A show whose doors are open, with somebody who has a ticket.
    struct Show {
        store: Store,
        artist: Claims,
        event: Event,
        fan: Claims,
        ticket: Ticket,
        payload: String,
        now: Time,
    }

    impl Show {
        async fn open() -> Self {
            let store = store();
            let (artist, event) = artist_of(&store, |event| event).await;
            let now = Time::now();
            let fan = stack::sign_in(&store, Role::User, now).await;
            let ticket = ticket_for(&store, &event, &fan).await;
            let payload = payload_of(&ticket).await;
            Self { store, artist, event, fan, ticket, payload, now }
        }

        async fn scans(&self, body: Value) -> (u16, Value) {
            seen(&self.store, Artist(&self.artist), self.event.id, body, self.now).await
        }

        /// Another ticket, with what its QR code says.
        async fn another(&self) -> (Ticket, String) {
            let ticket = ticket_for(&self.store, &self.event, &self.fan).await;
            let payload = payload_of(&ticket).await;
            (ticket, payload)
        }
    }

    #[test]
    fn a_ticket_lets_one_person_in_once_and_then_tells_when_that_was() {
        stack::run(async {
            let show = Show::open().await;
            let first = scan(&show.payload, show.now, "정문");
            let (status, body) = show.scans(first.clone()).await;
            assert_eq!(
                (status, &body["items"][0]["outcome"]),
                (200, &"CHECKED_IN".into()),
                "{body}"
            );
            assert_eq!(body["items"][0]["ticketId"], show.ticket.id.to_string());
            let kept = show.store.get(&TicketKey(show.ticket.id)).await.unwrap().unwrap();
            assert_eq!(kept.state, State::CheckedIn);

            let second = scan(&show.payload, show.now.plus(MINUTE), "후문");
            let (status, refused) = show.scans(second).await;
            assert_eq!((status, &refused["code"]), (409, &"ALREADY_CHECKED_IN".into()));
            let told =
                json!({ "scannedAt": body["items"][0]["first"]["scannedAt"], "device": "정문" });
            assert_eq!(refused["first"], told, "{refused}");

            // Whose answer was lost sends the same again.
            assert_eq!(show.scans(first).await, (200, body));
            assert_eq!(show.store.checked_in(show.event.id).await.unwrap(), 1);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let show = Show::open().await;
            let key = keyed(&show.store, &show.artist, show.event.id).await.unwrap();
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            let body = scan(&show.payload, show.now, "정문");
            let (_, other) = show.another().await;
            let (by, id) = (|| Key(&key.key), show.event.id);
            seen(&store, Artist(&show.artist), id, body.clone(), show.now).await;
            stack::assert_operation("check_in", &meter.take());
            seen(&store, by(), id, scan(&other, show.now, "정문"), show.now).await;
            stack::assert_operation("check_in by a door key", &meter.take());
            let again = scan(&show.payload, show.now, "후문");
            seen(&store, by(), id, again, show.now).await;
            stack::assert_operation("check_in again", &meter.take());
        });
    }

    #[test]
    fn whatever_lets_nobody_in_is_refused_with_its_own_code_and_changes_nothing() {
        stack::run(async {
            let show = Show::open().await;
            let (_, elsewhere) = artist_of(&show.store, |event| event).await;
            let foreign = ticket_for(&show.store, &elsewhere, &show.fan).await;
            let foreign = payload_of(&foreign).await;
            let (back, returned) = show.another().await;
            let back = Write::update(&TicketKey(back.id)).set("state", State::Refunded);
            show.store.write(back, ()).await.unwrap();
            let (newer, unknown) = show.another().await;
            let newer = Write::update(&TicketKey(newer.id)).set("state", "LENT");
            show.store.write(newer, ()).await.unwrap();
            let hour = MINUTE * 60;
            let good = &show.payload;
            for (payload, at, status, code) in [
                (&foreign, show.now, 400, "TICKET_OF_ANOTHER_EVENT"),
                (&format!("{good}x"), show.now, 400, "TICKET_FORGED"),
                (&"tkt_01KB4ZXJ3V8Q5W7N2M6T9RHCDE".to_owned(), show.now, 400, "TICKET_FORGED"),
                (&returned, show.now, 409, "TICKET_REFUNDED"),
                (&unknown, show.now, 400, "TICKET_UNKNOWN"),
                (good, show.now.minus(hour * 6), 400, "ENTRY_NOT_OPEN"),
                (good, show.now.plus(MINUTE * 6), 400, "SCANNED_AHEAD"),
            ] {
                let (answered, body) = show.scans(scan(payload, at, "정문")).await;
                assert_eq!((answered, &body["code"]), (status, &code.into()), "{body}");
                assert!(body["first"].is_null());
                let batch = json!({ "scans": [scan(payload, at, "정문")] });
                let (answered, body) = show.scans(batch).await;
                assert_eq!((answered, &body["items"][0]["outcome"]), (200, &code.into()));
            }
            let late = show.event.schedule.ends_at().plus(hour);
            let body = scan(good, late, "정문");
            let (status, body) =
                seen(&show.store, Artist(&show.artist), show.event.id, body, late).await;
            assert_eq!((status, &body["code"]), (400, &"ENTRY_CLOSED".into()));
            assert_eq!(show.store.checked_in(show.event.id).await.unwrap(), 0);
        });
    }

    #[test]
    fn nobody_is_let_into_an_event_that_was_called_off() {
        stack::run(async {
            let store = store();
            for (state, status, code) in [
                (EventState::Cancelled, 400, "EVENT_CANCELLED"),
                (EventState::Unknown, 503, "ENTRY_UNKNOWN"),
            ] {
                let (artist, event) = artist_of(&store, |event| Event { state, ..event }).await;
                let fan = stack::sign_in(&store, Role::User, Time::now()).await;
                let payload = payload_of(&ticket_for(&store, &event, &fan).await).await;
                let body = scan(&payload, Time::now(), "정문");
                let (answered, body) =
                    seen(&store, Artist(&artist), event.id, body, Time::now()).await;
                assert_eq!((answered, &body["code"]), (status, &code.into()));
            }
        });
    }

    #[test]
    fn a_door_key_lets_people_in_at_its_own_event_until_it_is_revoked_or_over() {
        stack::run(async {
            let show = Show::open().await;
            let (store, event_id, now) = (&show.store, show.event.id, show.now);
            let key = keyed(store, &show.artist, event_id).await.unwrap();
            let body = |payload: &str| scan(payload, now, "정문");
            let by = async |key: &str, event_id, payload: &str, now| {
                let (status, told) = seen(store, Key(key), event_id, body(payload), now).await;
                (status, told["code"].as_str().unwrap_or_default().to_owned())
            };
            assert_eq!(by(&key.key, event_id, &show.payload, now).await.0, 200);

            let (_, payload) = show.another().await;
            let other = Event { artist_id: show.artist.member_id, ..show.event.clone() };
            let other = published(store, Event { id: EventId::generate(), ..other }).await;
            let (id, secret) = key.key.split_once('.').unwrap();
            let unknown = format!("{}.{secret}", DoorKeyId::generate());
            let guessed = format!("{id}.{}", secret.chars().rev().collect::<String>());
            let over = show.event.schedule.ends_at().plus(MINUTE * 60 * 24 * 7 + MINUTE);
            for (key, event_id, now) in [
                (&key.key, other.id, now),
                (&key.key, EventId::generate(), now),
                (&unknown, event_id, now),
                (&guessed, event_id, now),
                (&key.key, event_id, over),
            ] {
                let refused = by(key, event_id, &payload, now).await;
                assert_eq!(refused, (401, "DOOR_KEY_NOT_GOOD".into()));
            }
            let path = Path(DoorKeyPath { event_id, door_key_id: key.id });
            let (who, context) = (stack::caller(&show.artist), Context::at(now));
            let (client, meter) = stack::metered();
            let metered = Store::new(client, stack::prefix());
            revoke_door_key::handle(metered, Call { who, input: path, context }).await.unwrap();
            stack::assert_operation("revoke_door_key", &meter.take());
            let refused = by(&key.key, event_id, &payload, now).await;
            assert_eq!(refused, (401, "DOOR_KEY_NOT_GOOD".into()));
        });
    }

    #[test]
    fn another_artist_and_a_fan_find_no_door() {
        stack::run(async {
            let show = Show::open().await;
            let (stranger, _) = artist_of(&show.store, |event| event).await;
            for who in [&stranger, &show.fan] {
                let body = scan(&show.payload, show.now, "정문");
                let (status, body) =
                    seen(&show.store, Artist(who), show.event.id, body, show.now).await;
                assert_eq!((status, &body["code"]), (404, &"EVENT_NOT_FOUND".into()));
            }
        });
    }

    #[test]
    fn what_two_scanners_kept_without_a_network_comes_together_and_the_first_write_stays() {
        stack::run(async {
            let show = Show::open().await;
            let ((_, second), (_, third)) = (show.another().await, show.another().await);
            let ago = |minutes: u32| show.now.minus(MINUTE * minutes);
            let outcomes = async |scans: Vec<Value>| {
                let (status, body) = show.scans(json!({ "scans": scans })).await;
                assert_eq!(status, 200, "{body}");
                let items = body["items"].as_array().unwrap().clone();
                let device =
                    |item: &Value| item["first"]["device"].as_str().unwrap_or("-").to_owned();
                let told =
                    |item: &Value| (item["outcome"].as_str().unwrap().to_owned(), device(item));
                items.iter().map(told).collect::<Vec<_>>()
            };
            let right = |told: &[(&str, &str)]| -> Vec<_> {
                told.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
            };
            // Of one ticket the earlier scan counts, in whatever order they were kept.
            let front = vec![
                scan(&show.payload, ago(5), "정문"),
                scan(&show.payload, ago(9), "정문"),
                scan(&second, ago(8), "정문"),
                scan("none", ago(8), "정문"),
            ];
            let told = right(&[
                ("ALREADY_CHECKED_IN", "정문"),
                ("CHECKED_IN", "정문"),
                ("CHECKED_IN", "정문"),
                ("TICKET_FORGED", "-"),
            ]);
            assert_eq!(outcomes(front.clone()).await, told);
            let back = vec![
                scan(&show.payload, ago(10), "후문"),
                scan(&second, ago(7), "후문"),
                scan(&third, ago(7), "후문"),
            ];
            let told_back = right(&[
                ("CHECK_IN_CONFLICT", "정문"),
                ("ALREADY_CHECKED_IN", "정문"),
                ("CHECKED_IN", "후문"),
            ]);
            assert_eq!(outcomes(back.clone()).await, told_back);
            // Both send all of it again.
            assert_eq!(outcomes(front).await, told);
            assert_eq!(outcomes(back).await, told_back);
            let kept = show.store.get(&TicketKey(show.ticket.id)).await.unwrap().unwrap();
            assert_eq!(kept.check_in.unwrap().scanned_at.millis(), ago(9).millis());
            assert_eq!(show.store.checked_in(show.event.id).await.unwrap(), 3);
            // One scan by itself is told the same as a refusal.
            let (status, body) = show.scans(scan(&show.payload, ago(10), "후문")).await;
            assert_eq!((status, &body["code"]), (409, &"CHECK_IN_CONFLICT".into()));
        });
    }

    #[test]
    fn a_request_is_one_scan_or_a_hundred_at_most() {
        stack::run(async {
            let show = Show::open().await;
            let one = || scan(&show.payload, show.now, "정문");
            let named = async |body: Value| -> Vec<(String, String)> {
                let (status, told) = show.scans(body).await;
                assert_eq!((status, &told["code"]), (422, &"INVALID_FIELDS".into()), "{told}");
                let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
                let errors = told["errors"].as_array().unwrap().iter();
                errors.map(|error| (text(error, "pointer"), text(error, "code"))).collect()
            };
            let right = |names: &[&str], code: &str| -> Vec<_> {
                names.iter().map(|name| (format!("/{name}"), code.to_owned())).collect()
            };
            let missing = right(&["payload", "scannedAt", "device"], "MISSING");
            assert_eq!(named(json!({})).await, missing);
            assert_eq!(
                named(json!({ "payload": "a", "device": "b" })).await,
                right(&["scannedAt"], "MISSING")
            );
            let both = json!({ "scans": [one()], "device": "정문" });
            assert_eq!(named(both).await, right(&["device"], "UNKNOWN_FIELD"));
            for number in [0, 101] {
                let scans = vec![scan("none", show.now, "정문"); number];
                assert_eq!(named(json!({ "scans": scans })).await, right(&["scans"], "LENGTH"));
            }
            let scans = vec![scan("none", show.now, "정문"); 100];
            assert_eq!(show.scans(json!({ "scans": scans })).await.0, 200);
        });
    }

    /// Many scanners read one ticket at once: how many let somebody in.
    async fn let_in_by_many(client: store::Client) -> usize {
        let show = Show::open().await;
        let store = Store::new(client, stack::prefix());
        let devices = (0..10).map(|number| format!("{number}번 기기")).collect::<Vec<_>>();
        let all = devices.iter().map(|device| {
            let body = scan(&show.payload, show.now, device);
            seen(&store, Artist(&show.artist), show.event.id, body, show.now)
        });
        let let_in = join_all(all).await.iter().filter(|(status, _)| *status == 200).count();
        assert_eq!(show.store.checked_in(show.event.id).await.unwrap(), let_in as u64);
        let_in
    }

    #[test]
    fn however_many_scan_one_ticket_at_once_one_person_comes_in() {
        stack::run(async {
            for _ in 0..4 {
                assert_eq!(let_in_by_many(stack::dynamo()).await, 1);
            }
        });
    }

    #[test]
    fn without_the_condition_on_its_state_one_ticket_lets_several_in() {
        stack::run(async {
            assert!(
                stack::happens(async || let_in_by_many(stack::without("state")).await > 1).await
            );
        });
    }

    #[test]
    fn a_scan_whose_answer_gets_lost_lets_one_person_in() {
        stack::run(async {
            let show = Show::open().await;
            let store = Store::new(stack::losing("TransactWriteItems", 1), stack::prefix());
            let body = scan(&show.payload, show.now, "정문");
            let (status, _) =
                seen(&store, Artist(&show.artist), show.event.id, body, show.now).await;
            assert_eq!((status, show.store.checked_in(show.event.id).await.unwrap()), (200, 1));
        });
    }

    #[test]
    fn everybody_who_comes_is_counted_however_fast_they_come() {
        stack::run(async {
            let show = Show::open().await;
            let mut scans = Vec::new();
            for _ in 0..100 {
                scans.push(scan(&show.another().await.1, show.now, "정문"));
            }
            let (status, body) = show.scans(json!({ "scans": scans })).await;
            let items = body["items"].as_array().unwrap();
            assert!(status == 200 && items.iter().all(|item| item["outcome"] == "CHECKED_IN"));
            assert_eq!(show.store.checked_in(show.event.id).await.unwrap(), 100);
        });
    }
}
