//! `GET /openapi.json`: every route of every part, as generated from the code.

use api::{Call, Page, Problem};

/// The OpenAPI 3.1 document.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = serde_json::Value)))]
pub async fn handle(_: (), _: Call) -> Result<Page, Problem> {
    let document = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));
    Ok(Page::new("application/json", document).public())
}
