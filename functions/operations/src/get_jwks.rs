//! `GET /.well-known/jwks.json`: the keys that access tokens are verified with.

use std::env::VarError;

use api::{Call, Endpoint, Page, Problem};

/// The JSON Web Key Set (RFC 7517), good for five minutes in a cache.
#[utoipa::path(get, path = "/.well-known/jwks.json", responses((status = 200, description = "Public keys", content_type = "application/json", body = serde_json::Value)))]
pub async fn handle(keys: String, _: Call) -> Result<Page, Problem> {
    Ok(Page::new("application/json", keys).cached("public, max-age=300"))
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::new(async || -> Result<_, VarError> { std::env::var("JWT_PUBLIC_KEYS") }, handle)
}
