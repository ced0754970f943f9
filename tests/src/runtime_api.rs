//! Lambda's Runtime API for one process: starts a function's program, gives it events one at a time
//! and takes its answers. <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::fs;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The function answered.
    Answer(Value),
    /// The function reported an error, as it does for a failed batch; Lambda would try again.
    Error(Value),
    /// The process ended before it answered.
    Died,
}

/// A running function. It is killed when this is dropped.
pub struct Function {
    child: Arc<Mutex<Child>>,
    started: Instant,
    ready: watch::Receiver<Option<Result<Instant, String>>>,
    events: mpsc::UnboundedSender<Event>,
    limit: Duration,
}

struct Event {
    body: Vec<u8>,
    reply: oneshot::Sender<Outcome>,
}

struct Api {
    /// The function's time limit.
    limit: Duration,
    /// Only one `/next` waits at a time: Lambda gives a process one event after the other.
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>,
    current: Mutex<Option<(u64, oneshot::Sender<Outcome>)>>,
    numbers: AtomicU64,
    ready: watch::Sender<Option<Result<Instant, String>>>,
}

/// How long a function may take to get ready or to answer before the test fails.
const LIMIT: Duration = Duration::from_secs(60);

impl Function {
    /// Runs `program`, whose environment the caller has set, with Lambda's own variables added.
    ///
    /// # Errors
    /// If no port is free or the program can't be started.
    pub async fn start(name: &str, program: Command) -> io::Result<Self> {
        Self::start_with(name, program, LIMIT).await
    }

    /// The same with a time limit for each invocation. It is told to the function; nobody ends one that passes it.
    ///
    /// # Errors
    /// If no port is free or the program can't be started.
    pub async fn start_with(name: &str, mut program: Command, limit: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (events, waiting) = mpsc::unbounded_channel();
        let (ready_tell, ready) = watch::channel(None);
        let api = Api {
            limit,
            events: tokio::sync::Mutex::new(waiting),
            current: Mutex::new(None),
            numbers: AtomicU64::new(0),
            ready: ready_tell,
        };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(Arc::new(api));
        tokio::spawn(async move { axum::serve(listener, routes).await });

        program
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256");
        let started = Instant::now();
        let child = program.spawn()?;
        Ok(Self { child: Arc::new(Mutex::new(child)), started, ready, events, limit })
    }

    /// Waits until the function asks for its first event. The time since its start is its cold start.
    ///
    /// # Errors
    /// If it reports that it can't start, or ends, or takes longer than a minute.
    pub async fn ready(&self) -> Result<Duration, String> {
        let mut ready = self.ready.clone();
        let asked = async {
            match ready.wait_for(Option::is_some).await.map(|asked| asked.clone()) {
                Ok(Some(Ok(at))) => Ok(at - self.started),
                Ok(Some(Err(cause))) => Err(cause),
                _ => Err("the Runtime API ended".to_owned()),
            }
        };
        tokio::select! {
            asked = asked => asked,
            status = self.ended() => Err(format!("it ended before it was ready: {status}")),
            () = sleep(LIMIT) => Err("it was not ready after a minute".to_owned()),
        }
    }

    /// Gives the function one event and waits for what comes of it.
    ///
    /// # Errors
    /// If nothing comes of it within its time limit and a minute.
    pub async fn invoke(&self, event: &Value) -> Result<Outcome, String> {
        let (reply, answer) = oneshot::channel();
        let body = event.to_string().into_bytes();
        if self.events.send(Event { body, reply }).is_err() {
            return Ok(Outcome::Died);
        }
        let outcome = async {
            tokio::select! {
                biased;
                answer = answer => answer.unwrap_or(Outcome::Died),
                _ = self.ended() => Outcome::Died,
            }
        };
        let patience = self.limit + LIMIT;
        timeout(patience, outcome).await.map_err(|_| format!("no answer after {patience:?}"))
    }

    /// A way to kill the process (`SIGKILL`, as a crashed sandbox ends) that can be handed on.
    pub fn killer(&self) -> impl Fn() + Send + Sync + 'static {
        let child = Arc::clone(&self.child);
        move || {
            let mut child = lock(&child);
            // Both fail only if the process is gone already, which is what is wanted.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// The most memory the process has had so far, in KiB (`VmHWM`).
    ///
    /// # Errors
    /// If the process has ended.
    pub fn peak_memory(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let figure = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        figure.ok_or_else(|| io::Error::other("the process has no memory any more"))
    }

    /// The processor time that all threads of the process have had so far, in the kernel and out of it.
    ///
    /// # Errors
    /// If the process has ended.
    pub fn processor_time(&self) -> io::Result<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.id()))? {
            // A thread may end between being listed and being read.
            let Ok(figures) = fs::read_to_string(thread?.path().join("schedstat")) else {
                continue;
            };
            nanoseconds +=
                figures.split(' ').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn id(&self) -> u32 {
        lock(&self.child).id()
    }

    async fn ended(&self) -> ExitStatus {
        loop {
            if let Ok(Some(status)) = lock(&self.child).try_wait() {
                return status;
            }
            sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.killer()();
    }
}

async fn next(State(api): State<Arc<Api>>) -> axum::response::Response {
    let asked = Instant::now();
    api.ready.send_if_modified(|ready| ready.is_none().then(|| *ready = Some(Ok(asked))).is_some());
    let Some(event) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    #[expect(clippy::disallowed_methods, reason = "Lambda gives the time on the wall")]
    let deadline = (SystemTime::now() + api.limit).duration_since(UNIX_EPOCH).unwrap_or_default();
    let number = api.numbers.fetch_add(1, Ordering::Relaxed);
    *lock(&api.current) = Some((number, event.reply));
    let headers = [
        ("lambda-runtime-aws-request-id", number.to_string()),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:local:0:function:test".to_owned()),
        ("lambda-runtime-trace-id", format!("Root=1-00000000-{number:024x};Sampled=0")),
        ("content-type", "application/json".to_owned()),
    ];
    (axum::response::AppendHeaders(headers), event.body).into_response()
}

async fn response(State(api): State<Arc<Api>>, Path(id): Path<u64>, body: Bytes) -> StatusCode {
    end(&api, id, Outcome::Answer(json(&body)))
}

async fn error(State(api): State<Arc<Api>>, Path(id): Path<u64>, body: Bytes) -> StatusCode {
    end(&api, id, Outcome::Error(json(&body)))
}

async fn init_error(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    api.ready.send_replace(Some(Err(json(&body).to_string())));
    StatusCode::ACCEPTED
}

fn end(api: &Api, id: u64, outcome: Outcome) -> StatusCode {
    match lock(&api.current).take_if(|(current, _)| *current == id) {
        Some((_, reply)) => {
            // Whoever invoked may have given up waiting.
            drop(reply.send(outcome));
            StatusCode::ACCEPTED
        }
        None => StatusCode::BAD_REQUEST,
    }
}

/// What is not JSON comes back as a string: `Value::Null` for nothing.
fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
