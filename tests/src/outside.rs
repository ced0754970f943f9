//! Stands between one function process and everything it calls: writes each call down, and can kill
//! the process just before a call leaves or just before its answer arrives.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

/// One call that the process made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The name that [`Outside::before`] was given for this side, such as `aws` or `kakaopay`.
    pub service: String,
    /// `DynamoDB_20120810.TransactWriteItems` for AWS, `POST /online/v1/payment/ready` for others.
    pub operation: String,
}

/// Which side of a call the process dies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The call never left.
    Before,
    /// The other side has done its work, and the answer never arrives.
    After,
}

/// One service, as its proxy knows it.
#[derive(Clone)]
struct Side {
    service: String,
    url: String,
    shared: Arc<Shared>,
}

/// Proxies on 127.0.0.1, one before each service.
pub struct Outside {
    addresses: HashMap<String, String>,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: reqwest::Client,
    watch: Mutex<Watch>,
}

#[derive(Default)]
struct Watch {
    calls: Vec<Call>,
    kill: Option<Kill>,
}

struct Kill {
    call: usize,
    moment: Moment,
    process: Box<dyn Fn() + Send>,
}

impl Outside {
    /// Stands before each `(name, URL)`.
    ///
    /// # Errors
    /// If no port is free or no client can be built.
    pub async fn before(services: &[(&str, &str)]) -> io::Result<Self> {
        let upstream = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(io::Error::other)?;
        let shared = Arc::new(Shared { upstream, watch: Mutex::default() });
        let mut addresses = HashMap::new();
        for (service, url) in services {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            addresses.insert((*service).to_owned(), format!("http://{}", listener.local_addr()?));
            let (service, url) = ((*service).to_owned(), url.trim_end_matches('/').to_owned());
            let shared = Arc::clone(&shared);
            let routes = Router::new().fallback(pass).with_state(Side { service, url, shared });
            tokio::spawn(async move { axum::serve(listener, routes).await });
        }
        Ok(Self { addresses, shared })
    }

    /// The address to give to the process instead of the service's own.
    ///
    /// # Panics
    /// If [`Outside::before`] was not given the service.
    pub fn url(&self, service: &str) -> &str {
        &self.addresses[service]
    }

    /// The calls since the last [`Outside::forget`], in the order in which they left.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.watch().calls.clone()
    }

    /// Starts counting anew and forgets a kill that did not happen.
    pub fn forget(&self) {
        *self.shared.watch() = Watch::default();
    }

    /// Calls `process`, which kills, at the call with this number, counted from 0.
    pub fn kill_at(&self, call: usize, moment: Moment, process: impl Fn() + Send + 'static) {
        self.shared.watch().kill = Some(Kill { call, moment, process: Box::new(process) });
    }

    /// Whether the process was killed as [`Outside::kill_at`] asked.
    pub fn killed(&self) -> bool {
        self.shared.watch().kill.is_none()
    }
}

impl Shared {
    /// Kills the process if it is time, and says whether it was.
    fn kill(&self, call: usize, moment: Moment) -> bool {
        let due = self.watch().kill.take_if(|kill| kill.call == call && kill.moment == moment);
        due.is_some_and(|kill| {
            (kill.process)();
            true
        })
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pass(State(side): State<Side>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let plain = || format!("{} {}", parts.method, parts.uri.path());
    let operation = target.map_or_else(plain, ToOwned::to_owned);
    let number = {
        let mut watch = side.shared.watch();
        watch.calls.push(Call { service: side.service, operation });
        watch.calls.len() - 1
    };
    if side.shared.kill(number, Moment::Before) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let call = side.shared.upstream.request(parts.method, format!("{}{path}", side.url));
    let answer = match call.headers(end_to_end(parts.headers)).body(body).send().await {
        Ok(answer) => whole(answer).await,
        Err(error) => Err(error),
    };
    side.shared.kill(number, Moment::After);
    answer.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, error.to_string()).into_response())
}

async fn whole(answer: reqwest::Response) -> reqwest::Result<Response> {
    let (status, headers) = (answer.status(), end_to_end(answer.headers().clone()));
    let body: Bytes = answer.bytes().await?;
    Ok((status, headers, body).into_response())
}

/// Leaves out what belongs to one connection.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}
