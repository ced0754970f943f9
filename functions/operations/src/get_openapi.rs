//! `GET /openapi.json`: every route of every part, as generated from the code.

use api::{Call, Page, Problem};

/// Answers the OpenAPI document
///
/// What you read now: every route of every part, in OpenAPI 3.1.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = serde_json::Value,
    example = json!({ "openapi": "3.1.0", "info": { "title": "Spotlight Space", "version": "0.1.0" }, "paths": {} }))))]
pub async fn handle(_: (), _: Call) -> Result<Page, Problem> {
    let document = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));
    Ok(Page::new("application/json", document).public())
}
