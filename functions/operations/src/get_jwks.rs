//! `GET /.well-known/jwks.json`: the keys that access tokens are verified with.

use api::{Call, Page, Problem};
use aws::{Connect, ConnectError, variable};

/// The key set as it is published.
#[derive(Clone)]
pub struct KeySet(String);

impl Connect for KeySet {
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self(variable("JWT_PUBLIC_KEYS")?))
    }
}

/// The JSON Web Key Set (RFC 7517), good for five minutes in a cache.
#[utoipa::path(get, path = "/.well-known/jwks.json", responses((status = 200, description = "Public keys", content_type = "application/json", body = serde_json::Value)))]
pub async fn handle(KeySet(keys): KeySet, _: Call) -> Result<Page, Problem> {
    Ok(Page::new("application/json", keys).cached("public, max-age=300"))
}
