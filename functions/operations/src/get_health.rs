//! `GET /v1/health`: whether what we stand on answers, and which part does not.

use std::{fmt::Display, time::Duration};

use api::{Answer, Call, Problem};
use search::Search;
use serde::Serialize;
use store::Store;
use utoipa::ToSchema;

/// Whether requests are served.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    status: Status,
    dependencies: Dependencies,
}

/// What is served.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    /// Everything.
    Up,
    /// Everything but the search.
    Degraded,
    /// Nothing.
    Down,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Dependencies {
    /// DynamoDB. Without it nothing works.
    store: DependencyStatus,
    /// OpenSearch. Without it nothing is found; everything else works.
    search: DependencyStatus,
}

/// Whether it answers.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum DependencyStatus {
    Up,
    Down,
}

/// Who has not answered by then is down: whoever asks for our health waits no longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells whether requests are served
///
/// 200 while requests can be served, if need be without the search; 503 when they cannot. The answer names the dependency.
#[utoipa::path(get, path = "/v1/health", responses(
    (status = 200, description = "Up, or degraded: the search is down and all else works", body = Health),
    (status = 503, description = "Down", body = Health),
))]
pub async fn handle((store, search): (Store, Search), _: Call) -> Result<Answer<Health>, Problem> {
    let (store, search) = tokio::join!(status_of(store.ping()), status_of(search.ping()));
    let status = match (store, search) {
        (DependencyStatus::Down, _) => Status::Down,
        (DependencyStatus::Up, DependencyStatus::Down) => Status::Degraded,
        (DependencyStatus::Up, DependencyStatus::Up) => Status::Up,
    };
    let health = Health { status, dependencies: Dependencies { store, search } };
    Ok(match status {
        Status::Up | Status::Degraded => Answer::ok(health),
        Status::Down => Answer::unavailable(health),
    })
}

async fn status_of<E: Display>(ping: impl Future<Output = Result<(), E>>) -> DependencyStatus {
    let cause = match tokio::time::timeout(PATIENCE, ping).await {
        Ok(Ok(())) => return DependencyStatus::Up,
        Ok(Err(error)) => error.to_string(),
        Err(late) => late.to_string(),
    };
    tracing::warn!(cause, "a dependency is down");
    DependencyStatus::Down
}

#[cfg(test)]
mod tests {
    use api::{Anyone, Context, Response};
    use aws_sdk_dynamodb::Client;
    use domain::time::Time;
    use serde_json::{Value, json};
    use tokio::net::TcpListener;
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

    use super::*;

    /// A server that answers everything with some JSON.
    async fn answering(body: Value) -> MockServer {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        server
    }

    async fn dynamodb() -> MockServer {
        answering(json!({})).await
    }

    async fn opensearch() -> MockServer {
        answering(json!({ "status": "green", "indices": { "events-1": {} } })).await
    }

    /// Nobody listens there.
    const CLOSED: &str = "http://127.0.0.1:1";

    /// Asks for our health as a caller does.
    async fn health(dynamodb: &str, opensearch: &str) -> (u16, Value) {
        let store = Store::new(Client::new(&stack::aws(dynamodb)), "test");
        let search = Search::new(opensearch, "events").unwrap();
        let call = Call { who: Anyone, input: (), context: Context::at(Time::now()) };
        let answer = handle((store, search), call).await.unwrap();
        let (head, body) = Response::from(answer).into_parts();
        (head.status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn it_is_up_while_everything_answers() {
        stack::run(async {
            let (dynamodb, opensearch) = (dynamodb().await, opensearch().await);
            let up = json!({ "status": "UP", "dependencies": { "store": "UP", "search": "UP" } });
            assert_eq!(health(&dynamodb.uri(), &opensearch.uri()).await, (200, up));
        });
    }

    #[test]
    fn without_the_search_it_is_degraded_and_serves() {
        stack::run(async {
            let dynamodb = dynamodb().await;
            let broken = answering(json!({ "status": "red", "indices": { "events-1": {} } })).await;
            let degraded = json!({ "status": "DEGRADED", "dependencies": { "store": "UP", "search": "DOWN" } });
            for opensearch in [CLOSED, &broken.uri()] {
                assert_eq!(health(&dynamodb.uri(), opensearch).await, (200, degraded.clone()));
            }
        });
    }

    #[test]
    fn without_the_store_it_is_down() {
        stack::run(async {
            let opensearch = opensearch().await;
            let down =
                json!({ "status": "DOWN", "dependencies": { "store": "DOWN", "search": "UP" } });
            assert_eq!(health(CLOSED, &opensearch.uri()).await, (503, down));
        });
    }

    #[test]
    fn a_dependency_that_keeps_silent_is_down_and_the_answer_comes() {
        stack::run(async {
            // Takes connections, and never answers.
            let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let silent = format!("http://{}", silent.local_addr().unwrap());
            let down =
                json!({ "status": "DOWN", "dependencies": { "store": "DOWN", "search": "DOWN" } });
            assert_eq!(health(&silent, &silent).await, (503, down));
        });
    }
}
