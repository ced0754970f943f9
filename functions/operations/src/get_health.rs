//! `GET /v1/health`: whether what we stand on answers, and which part does not.

use api::{Answer, Call, Endpoint, Problem};
use search::Search;
use serde::Serialize;
use store::Store;
use utoipa::ToSchema;

/// Whether everything answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// The worst of the dependencies.
    status: Status,
    dependencies: Dependencies,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Dependencies {
    /// DynamoDB. Without it nothing works.
    store: Status,
    /// OpenSearch. Without it nothing is found; everything else works.
    search: Status,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Up,
    Down,
}

/// 200 while requests can be served, 503 when they cannot; the answer names the dependency.
#[utoipa::path(get, path = "/v1/health", responses(
    (status = 200, description = "Up", body = Health),
    (status = 503, description = "A dependency is down", body = Health),
))]
pub async fn handle((store, search): (Store, Search), _: Call) -> Result<Answer<Health>, Problem> {
    let (store, search) = tokio::join!(store.ping(), search.ping());
    let dependencies = Dependencies { store: status(store), search: status(search) };
    let down = [dependencies.store, dependencies.search].contains(&Status::Down);
    let health = Health { status: if down { Status::Down } else { Status::Up }, dependencies };
    Ok(if down { Answer::unavailable(health) } else { Answer::ok(health) })
}

fn status<E: std::fmt::Display>(answer: Result<(), E>) -> Status {
    match answer {
        Ok(()) => Status::Up,
        Err(error) => {
            tracing::warn!(%error, "a dependency is down");
            Status::Down
        }
    }
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    Endpoint::new(handle)
}
