//! `GET /docs`: a page to read and try every route.

use api::{Anyone, Anything, Call, Page, Problem, Query};

/// Shows the documentation
///
/// A page that reads `/openapi.json` and sends requests from the browser.
#[utoipa::path(get, path = "/docs", responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub async fn handle(_: (), _: Call<Anyone, Query<Anything>>) -> Result<Page, Problem> {
    Ok(Page::html(include_str!("docs.html")).public())
}
