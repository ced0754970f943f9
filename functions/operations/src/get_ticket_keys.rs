//! `GET /.well-known/ticket-keys.json`: the keys that tickets are verified with, also where there is no network.

use api::{Call, Page, Problem};
use aws::{Connect, ConnectError, variable};

/// The key set as it is published.
#[derive(Clone)]
pub struct TicketKeySet(String);

impl Connect for TicketKeySet {
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self(variable("TICKET_PUBLIC_KEYS")?))
    }
}

/// Answers the keys that verify tickets
///
/// The JSON Web Key Set (RFC 7517, RFC 8037) for the `payload` of a ticket, good for five minutes in a cache. A scanner takes it
/// along on the day of the show. Keys that sign no more stay in it for a year after the last event whose tickets they signed.
#[utoipa::path(get, path = "/.well-known/ticket-keys.json", responses((status = 200, description = "Public keys", content_type = "application/json", body = serde_json::Value,
    example = json!({ "keys": [{
        "kty": "OKP", "use": "sig", "alg": "EdDSA", "crv": "Ed25519", "kid": "B7lK_7b4",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }] }))))]
pub async fn handle(TicketKeySet(keys): TicketKeySet, _: Call) -> Result<Page, Problem> {
    Ok(Page::new("application/json", keys).cached("public, max-age=300"))
}
