use std::{fmt::Display, future::Future, pin::Pin, sync::Arc, time::Instant};

use aws::{Connect, deadline};
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use futures::future::join_all;
use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::endpoint::run;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Serve = Arc<dyn Fn(LambdaEvent<Value>) -> Boxed<Result<Value, String>> + Send + Sync>;

/// A function that no person calls: it reads a stream, a queue or a schedule.
pub struct Worker {
    connect: Box<dyn FnOnce() -> Boxed<Result<Serve, String>> + Send>,
}

impl Worker {
    /// A handler of events. One that fails, or is not done when the time is over, has its event delivered again; one that handles
    /// a batch answers what failed in it ([`Batch`]).
    pub fn new<Clients, Event, R, F, Handling>(
        handle: impl Fn(Clients, Event) -> Handling + Send + Sync + 'static,
    ) -> Self
    where
        Clients: Connect,
        Event: DeserializeOwned + Send + 'static,
        R: Serialize,
        F: Display,
        Handling: Future<Output = Result<R, F>> + Send + 'static,
    {
        Self::serving(move |clients, event, context| {
            let handling = serde_json::from_value(event).map(|event| handle(clients, event));
            async move {
                let handling = handling.map_err(|error| error.to_string())?;
                let done = deadline::within(context.deadline(), handling).await;
                let done = done.map_err(|over| over.to_string())?;
                done.map_err(|error| error.to_string())
            }
        })
    }

    /// A handler of a queue's messages, one by one but all of a batch at the same time: one that is slow takes no other's time.
    /// A message that fails, can't be read, or is not done when the time is over, comes again.
    pub fn messages<Clients, Message, F, Handling>(
        handle: impl Fn(Clients, Message) -> Handling + Send + Sync + 'static,
    ) -> Self
    where
        Clients: Connect,
        Message: DeserializeOwned + Send + 'static,
        F: Display,
        Handling: Future<Output = Result<(), F>> + Send + 'static,
    {
        let handle = Arc::new(handle);
        Self::serving(move |clients: Clients, event, context| {
            let handle = Arc::clone(&handle);
            async move {
                let batch: SqsEvent =
                    serde_json::from_value(event).map_err(|error| error.to_string())?;
                let one = async |message: &SqsMessage| -> Result<(), String> {
                    let body = message.body.as_deref().unwrap_or_default();
                    let message = serde_json::from_str(body).map_err(|error| error.to_string())?;
                    let handling = handle(clients.clone(), message);
                    let done = deadline::within(context.deadline(), handling).await;
                    done.map_err(|over| over.to_string())?.map_err(|error| error.to_string())
                };
                let done = join_all(batch.records.iter().map(one)).await;
                let mut failed = Batch::default();
                let id = |message: &'_ SqsMessage| message.message_id.clone().unwrap_or_default();
                failed.note(batch.records.iter().map(id), done);
                Ok(failed)
            }
        })
    }

    fn serving<Clients, R, Handling>(
        handle: impl Fn(Clients, Value, Context) -> Handling + Send + Sync + 'static,
    ) -> Self
    where
        Clients: Connect,
        R: Serialize,
        Handling: Future<Output = Result<R, String>> + Send + 'static,
    {
        let connect = async move || -> Result<Serve, String> {
            let clients = Clients::connect().await.map_err(|error| error.to_string())?;
            let serve: Serve = Arc::new(move |LambdaEvent { payload, context }| {
                let handling = handle(clients.clone(), payload, context);
                Box::pin(async move {
                    serde_json::to_value(handling.await?).map_err(|error| error.to_string())
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
            let done = serve(event);
            let work = async move {
                let started = Instant::now();
                let done = done.await;
                let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
                match &done {
                    Ok(_) => tracing::info!(duration_ms, "work"),
                    Err(cause) => {
                        tracing::error!(
                            metric = "Faults",
                            code = "WORK_FAILED",
                            duration_ms,
                            cause,
                            "work"
                        );
                    }
                }
                done
            };
            tracing::Instrument::instrument(work, span)
        });
        lambda_runtime::run(service).await.map_err(|error| error.to_string())
    });
}

/// Notes that a record is passed over: it is about what only a newer program knows. It would be so each time it came.
pub fn pass_over(record: &str, cause: impl Display) {
    tracing::warn!(record, %cause, "a record is passed over");
}

/// Notes that a record is given up: it can't be read, however often it comes.
pub fn give_up(record: &str, cause: impl Display) {
    tracing::error!(metric = "Unreadable", record, %cause, "a record can't be read and is given up");
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
    /// Notes which of these records failed: what became of each, in their order.
    pub fn note<F: Display>(
        &mut self,
        records: impl IntoIterator<Item = impl AsRef<str>>,
        outcomes: impl IntoIterator<Item = Result<(), F>>,
    ) {
        for (record, outcome) in records.into_iter().zip(outcomes) {
            if let Err(cause) = outcome {
                self.failed(record.as_ref(), cause);
            }
        }
    }

    /// Notes that a record (an SQS message id, a stream's sequence number) failed, and logs why.
    pub fn failed(&mut self, record: &str, cause: impl Display) {
        tracing::warn!(record, %cause, "a record failed and comes again");
        self.batch_item_failures.push(Failure { item_identifier: record.to_owned() });
    }
}
