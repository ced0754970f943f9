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

/// Answers the keys that verify access tokens
///
/// The JSON Web Key Set (RFC 7517), good for five minutes in a cache.
#[utoipa::path(get, path = "/.well-known/jwks.json", responses((status = 200, description = "Public keys", content_type = "application/json", body = serde_json::Value,
    example = json!({ "keys": [{
        "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": "2030-12-a",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }] }))))]
pub async fn handle(KeySet(keys): KeySet, _: Call) -> Result<Page, Problem> {
    Ok(Page::new("application/json", keys).cached("public, max-age=300"))
}
