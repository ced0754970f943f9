//! Writes what the world reads of our functions from the code of the routes and each part's `functions.yaml`: each part's
//! `openapi.json` for people and programs that call the API, and its template for SAM, `infra/api.yaml` for API Gateway. It also tells
//! which changes break callers.

mod breaking;
mod codes;
mod examples;
mod gateway;
mod links;
mod openapi;
mod refusals;
mod sam;
mod sent;
mod table;

use std::{path::Path, slice};

use api::Route;
use utoipa::openapi::OpenApi;

pub use breaking::breaking;
pub use gateway::gateway;
pub use openapi::{Ambiguous, openapi};
pub use sam::{Fault, sam};

/// The document of the last release, by its path from the project's root.
pub const PUBLISHED: &str = "infra/openapi.published.json";

/// A part of the business with its routes.
pub struct Part {
    /// Its folder under `functions/`.
    pub name: &'static str,
    /// What it is about, for callers.
    pub about: &'static str,
    /// Its routes.
    pub routes: Vec<Route>,
    /// Its functions without a route.
    pub workers: &'static [&'static str],
}

/// Every part. A new part is one line here.
pub fn parts() -> Vec<Part> {
    let part = |name, about, routes, workers| Part { name, about, routes, workers };
    vec![
        part("identity", "Accounts and sessions.", identity::routes(), identity::WORKERS),
        part(
            "catalog",
            "Events: publishing, reading, finding.",
            catalog::routes(),
            catalog::WORKERS,
        ),
        part(
            "artists",
            "Artists: their pages, and who follows them.",
            artists::routes(),
            artists::WORKERS,
        ),
        part(
            "payments",
            "Purchases: from the hold of the seats to the ticket.",
            payments::routes(),
            payments::WORKERS,
        ),
        part(
            "coupons",
            "Coupons: what is offered, and what a member has claimed of it.",
            coupons::routes(),
            coupons::WORKERS,
        ),
        part("points", "Points: what a member has to spend.", points::routes(), points::WORKERS),
        part(
            "tickets",
            "Tickets: one for each seat that is paid.",
            tickets::routes(),
            tickets::WORKERS,
        ),
        part("mail", "Mail.", Vec::new(), mail::WORKERS),
        part(
            "notifications",
            "Notifications: what a member is told.",
            notifications::routes(),
            notifications::WORKERS,
        ),
        part(
            "operations",
            "Health, this document, public keys.",
            operations::routes(),
            operations::WORKERS,
        ),
    ]
}

/// The generated files by their path from the project's root. A part has a document of its own, so that branches that change
/// different parts change different files; `GET /openapi.json` answers all of them as one.
///
/// # Errors
/// When two schemas share a name, a table of functions cannot be read, or a document cannot be written as text.
pub fn files(root: &Path) -> Result<Vec<(String, String)>, Box<dyn std::error::Error>> {
    let parts = parts();
    openapi(&parts)?;
    let mut files = Vec::new();
    for part in &parts {
        files.extend(binaries(part));
        let document = text(&openapi(slice::from_ref(part))?)?;
        files.push((format!("functions/{}/openapi.json", part.name), document));
    }
    let head = "# Written by `make generate` from the code of the routes. Change the code, not this file.\n";
    let gateway = serde_norway::to_string(&gateway(&parts))?;
    files.push(("infra/api.yaml".into(), format!("{head}{gateway}")));
    files.extend(sam(root, &parts)?);
    Ok(files)
}

/// The programs of a part's functions: each serves one.
fn binaries(part: &Part) -> impl Iterator<Item = (String, String)> {
    let program = |name: &str, serve: &str| {
        let path = format!("functions/{}/src/bin/{name}.rs", part.name);
        let head = format!("//! The Lambda function `{name}`. Written by `make generate`.\n");
        (path, format!("{head}\nfn main() {{\n    {serve}\n}}\n"))
    };
    let part_name = part.name;
    let routes = part.routes.iter().map(move |route| {
        let name = route.name;
        program(name, &format!("api::serve({part_name}::endpoint::{name}())"))
    });
    let workers = part
        .workers
        .iter()
        .map(move |name| program(name, &format!("api::work({part_name}::{name}::worker())")));
    routes.chain(workers)
}

/// The document of all parts.
///
/// # Errors
/// When two schemas share a name, or it cannot be written as text.
pub fn document() -> Result<String, Box<dyn std::error::Error>> {
    Ok(text(&openapi(&parts())?)?)
}

fn text(document: &OpenApi) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}
