//! What this part's tests share.

use std::time::Duration;

use api::{Body, Call, Context, Cursors, FieldFaults, Paging, Path, Problem};
use aws::Secret;
use domain::{
    event::Schedule,
    id::{EventId, TicketId},
    member::Role,
    payment::amounts,
    time::Time,
    who::Claims,
    won::Won,
};
use gateways::Files;
use serde_json::{Value, json};
use store::{
    Store, Transaction,
    catalog::event::Event,
    sales::{
        payment::{Booking, Payment, Secret as ReturnToken},
        ticket::Ticket,
    },
};
use tokio::sync::OnceCell;

use crate::{
    create_door_key::{self, NewDoorKey},
    path::EventPath,
    payload::{Payload, PublicKeys, Signer},
};

/// The public half of a key that is made for these tests alone, as it is published.
pub const PUBLIC: &str = r#"{"keys": [{"crv": "Ed25519", "kty": "OKP", "x": "UaFpUULDvfe5VYIKZRMjuHevoX3gSYoc54rsX9vzVjY", "kid": "ticket-1", "alg": "EdDSA", "use": "sig"}]}"#;
/// The private half.
pub const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
     MC4CAQAwBQYDK2VwBCIEIDy0cRPK44AX9MN0w8+6Ct+oUU7Ewhhk0i/yvK3IO+2O\n\
     -----END PRIVATE KEY-----\n";
/// Of another pair.
pub const FOREIGN: &str = "-----BEGIN PRIVATE KEY-----\n\
     MC4CAQAwBQYDK2VwBCIEIMBYL/xZoLcHBncK9e2xwgxWcaRU4nXcUY8EA1bi7n96\n\
     -----END PRIVATE KEY-----\n";

/// Keys as a secret holds them.
pub fn keys(kid: &str, pem: &str) -> Value {
    json!({ "current": { "kid": kid, "pem": pem } })
}

/// What verifies that.
pub fn public_keys() -> PublicKeys {
    PublicKeys::parse(PUBLIC).unwrap()
}

/// Signs with this process's secret.
pub async fn signer() -> Signer {
    static SIGNER: OnceCell<Signer> = OnceCell::const_new();
    let make = async || {
        let id = format!("{}/ticket", stack::prefix());
        let aws = stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap());
        let manager = aws_sdk_secretsmanager::Client::new(&aws);
        let keys = keys("ticket-1", PRIVATE).to_string();
        manager.create_secret().name(&id).secret_string(keys).send().await.unwrap();
        Signer::new(Secret::new(&aws, &id))
    };
    SIGNER.get_or_init(make).await.clone()
}

pub async fn cursors() -> Cursors {
    let (aws, id) = stack::cursor_secret().await;
    Cursors::new(Secret::new(&aws, &id))
}

/// Nobody listens there.
pub fn no_files() -> Files {
    Files::new(&stack::aws("http://127.0.0.1:1"), "none".to_owned())
}

/// Asks for pages of so many, from a cursor on.
pub fn paging(limit: u8, cursor: Option<&str>) -> Paging {
    let mut paging = json!({ "limit": limit.to_string() });
    if let Some(cursor) = cursor {
        paging["cursor"] = cursor.into();
    }
    deserr::deserialize::<_, _, FieldFaults>(paging).unwrap()
}

/// A payment of an event by a member, as it begins.
pub fn held(event: &Event, by: &Claims, quantity: i64) -> Payment {
    let (now, quantity) = (Time::now(), quantity.try_into().unwrap());
    let amounts = amounts(event.price, quantity, None, Won::ZERO).unwrap();
    let token = ReturnToken("token".into());
    let booking = Booking::of(&event.into(), quantity).into();
    Payment::reserved(by.member_id, booking, amounts, now, token, now)
}

/// A ticket of an event for a member.
pub async fn ticket_for(store: &Store, event: &Event, owner: &Claims) -> Ticket {
    let payment = held(event, owner, 1);
    let booking = payment.booking().unwrap();
    let ticket = Ticket::of(&payment, booking, TicketId::generate(), Time::now());
    store.transact(Transaction::<()>::new().also(ticket.create())).await.unwrap();
    ticket
}

/// A ticket, and who has it.
pub async fn ticket_of(store: &Store) -> (Claims, Ticket) {
    let now = Time::now();
    let owner = stack::sign_in(store, Role::User, now).await;
    let ticket = ticket_for(store, &stack::event(10, now), &owner).await;
    (owner, ticket)
}

/// An event that is in the tables.
pub async fn published(store: &Store, event: Event) -> Event {
    let made = event.create().into_iter().fold(Transaction::<()>::new(), Transaction::also);
    store.transact(made).await.unwrap();
    event
}

/// An artist, and an event of theirs that starts in an hour, unless it is changed.
pub async fn artist_of(store: &Store, change: impl FnOnce(Event) -> Event) -> (Claims, Event) {
    let now = Time::now();
    let artist = stack::sign_in(store, Role::Artist, now).await;
    let hours = |hours: u64| now.plus(Duration::from_hours(hours));
    let sale = now.minus(Duration::from_hours(24));
    let schedule = Schedule::new(hours(1), hours(3), sale, hours(1)).unwrap();
    let event = Event { artist_id: artist.member_id, schedule, ..stack::event(10, now) };
    (artist, published(store, change(event)).await)
}

/// A body as a caller sends it.
pub fn read<T: deserr::Deserr<FieldFaults>>(body: Value) -> Body<T> {
    Body(deserr::deserialize::<_, _, FieldFaults>(body).unwrap())
}

/// Makes a door key.
pub async fn keyed(store: &Store, who: &Claims, event_id: EventId) -> Result<NewDoorKey, Problem> {
    let input = (Path(EventPath { event_id }), read(json!({ "name": "정문" })));
    let context = Context::at(Time::now());
    let call = Call { who: stack::caller(who), input, context };
    Ok(create_door_key::handle(store.clone(), call).await?.value)
}

/// What stands in the QR code of a ticket.
pub async fn payload_of(ticket: &Ticket) -> String {
    let said = Payload { ticket_id: ticket.id, event_id: ticket.event_id };
    signer().await.sign(&said).await.unwrap()
}
