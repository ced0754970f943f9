//! What this part's tests share.

use aws::Secret;
use domain::{id::TicketId, member::Role, payment::amounts, time::Time, who::Claims, won::Won};
use serde_json::{Value, json};
use store::{
    Store, Transaction,
    catalog::event::Event,
    sales::{
        payment::{Payment, Secret as ReturnToken},
        ticket::Ticket,
    },
};
use tokio::sync::OnceCell;

use crate::payload::{PublicKeys, Signer};

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

/// A ticket of an event for a member.
pub async fn ticket_for(store: &Store, event: &Event, owner: &Claims) -> Ticket {
    let now = Time::now();
    let (one, token) = (1.try_into().unwrap(), ReturnToken("token".into()));
    let amounts = amounts(event.price, one, None, Won::ZERO).unwrap();
    let payment = Payment::reserved(&event.into(), owner.member_id, one, amounts, now, token, now);
    let ticket = Ticket::of(&payment, TicketId::generate(), now);
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
