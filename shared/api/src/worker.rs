use std::{fmt::Display, future::Future, pin::Pin, sync::Arc, time::Instant};

use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::endpoint::run;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Serve = Arc<dyn Fn(Value) -> Boxed<Result<Value, String>> + Send + Sync>;

/// A function that no person calls: it reads a stream, a queue or a schedule.
pub struct Worker {
    connect: Box<dyn FnOnce() -> Boxed<Result<Serve, String>> + Send>,
}

impl Worker {
    /// A handler of events with the way to its clients. A handler that fails has its event delivered
    /// again; one that handles a batch answers what failed in it ([`Batch`]).
    pub fn new<Clients, Event, R, E, F, Connecting, Handling>(
        connect: impl FnOnce() -> Connecting + Send + 'static,
        handle: impl Fn(Clients, Event) -> Handling + Send + Sync + 'static,
    ) -> Self
    where
        Clients: Clone + Send + Sync + 'static,
        Event: DeserializeOwned + Send + 'static,
        R: Serialize,
        E: Display,
        F: Display,
        Connecting: Future<Output = Result<Clients, E>> + Send + 'static,
        Handling: Future<Output = Result<R, F>> + Send + 'static,
    {
        let handle = Arc::new(handle);
        let connect = async move || -> Result<Serve, String> {
            let clients = connect().await.map_err(|error| error.to_string())?;
            let serve: Serve = Arc::new(move |event| {
                let (clients, handle) = (clients.clone(), handle.clone());
                Box::pin(async move {
                    let event = serde_json::from_value(event).map_err(|error| error.to_string())?;
                    let done = handle(clients, event).await.map_err(|error| error.to_string())?;
                    serde_json::to_value(done).map_err(|error| error.to_string())
                })
            });
            Ok(serve)
        };
        Self { connect: Box::new(|| Box::pin(connect())) }
    }
}

/// Runs a worker as a Lambda function: `main` of every binary that has no route.
pub fn work(worker: Worker) {
    run(async move {
        let serve = (worker.connect)().await?;
        let service = service_fn(move |event: LambdaEvent<Value>| {
            let span = tracing::info_span!("work", request_id = event.context.request_id);
            let done = serve(event.payload);
            let work = async move {
                let started = Instant::now();
                let done = done.await;
                let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
                match &done {
                    Ok(_) => tracing::info!(duration_ms, "work"),
                    Err(cause) => {
                        tracing::error!(duration_ms, cause, "work");
                        telemetry::metric("Faults", "WORK_FAILED", telemetry::Unit::Count, 1.0);
                    }
                }
                done
            };
            tracing::Instrument::instrument(work, span)
        });
        lambda_runtime::run(service).await.map_err(|error| error.to_string())
    });
}

/// What a worker answers for a batch: the records that must come again, and nothing of the rest.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl Batch {
    /// Notes that a record (an SQS message id, a stream's sequence number) failed, and logs why.
    pub fn failed(&mut self, record: &str, cause: impl Display) {
        tracing::warn!(record, %cause, "a record failed and comes again");
        self.batch_item_failures.push(Failure { item_identifier: record.to_owned() });
    }
}
