//! SQS: work for later. A message is JSON: an id and little else, since whoever gets it reads the truth.

use std::{marker::PhantomData, time::Duration};

use aws::{Connect, ConnectError, variable};
use aws_config::SdkConfig;
use aws_sdk_sqs::{Client, error::DisplayErrorContext, types::SendMessageBatchRequestEntry};
use domain::fault::{Code, Fault};
use serde::Serialize;

use crate::codes;

/// SQS takes so many messages in one call.
const AT_ONCE: usize = 10;

/// SQS delays a message by 15 minutes at most; whoever gets one early sends it again.
const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// What is sent over a queue of its own.
pub trait Message: Serialize + 'static {
    /// The environment variable with the queue's address.
    const QUEUE: &'static str;
}

/// A queue of messages of one type.
pub struct Queue<M> {
    client: Client,
    url: String,
    message: PhantomData<fn(M)>,
}

impl<M> Clone for Queue<M> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), url: self.url.clone(), message: PhantomData }
    }
}

impl<M: Message> Connect for Queue<M> {
    /// The queue that the environment names.
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self::new(aws::config(), variable(M::QUEUE)?))
    }
}

impl<M: Serialize> Queue<M> {
    /// A queue by its address, with the HTTP client, region and credentials of `aws`.
    pub fn new(aws: &SdkConfig, url: String) -> Self {
        Self { client: Client::new(aws), url, message: PhantomData }
    }

    /// Sends a message, to arrive after a delay.
    ///
    /// # Errors
    /// When SQS does not take it.
    pub async fn send(&self, message: &M, delay: Duration) -> Result<(), NotSent> {
        let sending = self.client.send_message().queue_url(&self.url);
        let sending = sending.message_body(body(message)?).delay_seconds(seconds(delay));
        sending.send().await.map_err(|error| NotSent(DisplayErrorContext(error).to_string()))?;
        Ok(())
    }

    /// Sends messages, each to arrive after its own delay, ten in a call. Answers for each, in their order, whether SQS took
    /// it.
    pub async fn send_all(&self, messages: &[(M, Duration)]) -> Vec<Result<(), NotSent>> {
        let mut results = Vec::with_capacity(messages.len());
        for chunk in messages.chunks(AT_ONCE) {
            results.extend(self.send_batch(chunk).await);
        }
        results
    }

    async fn send_batch(&self, messages: &[(M, Duration)]) -> Vec<Result<(), NotSent>> {
        let entry = |(position, (message, delay)): (usize, &(M, Duration))| {
            let entry = SendMessageBatchRequestEntry::builder().id(position.to_string());
            let entry = entry.message_body(body(message)?).delay_seconds(seconds(*delay));
            entry.build().map_err(|error| NotSent(error.to_string()))
        };
        let all_failed = |cause: NotSent| vec![Err(cause); messages.len()];
        let entries = match messages.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            Err(cause) => return all_failed(cause),
        };
        let batch = self.client.send_message_batch().queue_url(&self.url);
        match batch.set_entries(Some(entries)).send().await {
            Ok(answer) => {
                let result = |position: usize| {
                    let id = position.to_string();
                    match answer.failed().iter().find(|entry| entry.id() == id) {
                        Some(entry) => Err(NotSent(entry.code().to_owned())),
                        None => Ok(()),
                    }
                };
                (0..messages.len()).map(result).collect()
            }
            Err(error) => all_failed(NotSent(DisplayErrorContext(error).to_string())),
        }
    }
}

fn body(message: &impl Serialize) -> Result<String, NotSent> {
    serde_json::to_string(message).map_err(|error| NotSent(error.to_string()))
}

/// A delay as SQS counts it, rounded up: a message that comes a moment too early is sent once more.
fn seconds(delay: Duration) -> i32 {
    delay.min(LONGEST_DELAY).as_secs_f64().ceil() as i32
}

/// SQS did not take a message, or nobody knows whether it did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message was not sent: {0}")]
pub struct NotSent(String);

/// For who sends before anything is done: what was not announced does not happen.
impl Fault for NotSent {
    fn code(&self) -> Code {
        codes::QUEUE_UNAVAILABLE
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region, retry::RetryConfig};
    use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
    use serde_json::{Value, json};
    use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::header};

    use super::*;

    fn queue(server: &MockServer) -> Queue<String> {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("ap-northeast-2"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(server.uri())
            .build();
        Queue::new(&aws, "http://127.0.0.1/queue".into())
    }

    /// An SQS that does not take what is called `refused`.
    async fn sqs() -> MockServer {
        let answer = |request: &Request| {
            let body: Value = request.body_json().unwrap();
            let entries = body["Entries"].as_array().unwrap();
            let (failed, sent): (Vec<_>, Vec<_>) =
                entries.iter().partition(|entry| entry["MessageBody"] == r#""refused""#);
            let failed: Vec<_> = failed
                .iter()
                .map(|entry| json!({ "Id": entry["Id"], "Code": "InternalError", "SenderFault": false }))
                .collect();
            let sent: Vec<_> = sent
                .iter()
                .map(|entry| json!({ "Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "" }))
                .collect();
            ResponseTemplate::new(200)
                .set_body_json(json!({ "Successful": sent, "Failed": failed }))
        };
        let server = MockServer::start().await;
        let batch = Mock::given(header("X-Amz-Target", "AmazonSQS.SendMessageBatch"));
        batch.respond_with(answer).mount(&server).await;
        server
    }

    async fn received(server: &MockServer) -> Vec<Value> {
        let requests = server.received_requests().await.unwrap();
        requests.iter().map(|request| request.body_json().unwrap()).collect()
    }

    #[test]
    fn messages_go_ten_in_a_call_each_with_its_own_delay() {
        stack::run(async {
            let server = sqs().await;
            let messages: Vec<_> =
                (0..25).map(|n| (format!("message {n}"), Duration::from_secs(n))).collect();
            assert_eq!(queue(&server).send_all(&messages).await, vec![Ok(()); 25]);
            let calls = received(&server).await;
            let entries = |call: &Value| call["Entries"].as_array().unwrap().clone();
            assert_eq!(
                calls.iter().map(|call| entries(call).len()).collect::<Vec<_>>(),
                [10, 10, 5]
            );
            for (n, entry) in calls.iter().flat_map(entries).enumerate() {
                assert_eq!(entry["MessageBody"], format!(r#""message {n}""#));
                assert_eq!(entry["DelaySeconds"], n);
            }
        });
    }

    #[test]
    fn each_message_that_was_not_taken_is_told_in_its_place() {
        stack::run(async {
            let server = sqs().await;
            let bodies = (0..12).map(|n| if n == 3 || n == 11 { "refused" } else { "taken" });
            let messages: Vec<_> = bodies.map(|body| (body.to_owned(), Duration::ZERO)).collect();
            let results = queue(&server).send_all(&messages).await;
            let failed = results.iter().enumerate().filter(|(_, result)| result.is_err());
            assert_eq!(failed.map(|(position, _)| position).collect::<Vec<_>>(), [3, 11]);
            assert_eq!(results.len(), 12);
        });
    }

    #[test]
    fn a_call_without_an_answer_is_told_for_each_of_its_messages_and_the_next_call_is_made() {
        stack::run(async {
            let server = MockServer::start().await;
            Mock::given(header("X-Amz-Target", "AmazonSQS.SendMessageBatch"))
                .respond_with(ResponseTemplate::new(503))
                .expect(2)
                .mount(&server)
                .await;
            let messages = vec![("message".to_owned(), Duration::ZERO); 11];
            let results = queue(&server).send_all(&messages).await;
            assert_eq!(results.iter().filter(|result| result.is_err()).count(), 11);
        });
    }

    #[test]
    fn a_delay_is_rounded_up_and_at_most_a_quarter_of_an_hour() {
        for (millis, expected) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (900_001, 900)] {
            assert_eq!(seconds(Duration::from_millis(millis)), expected, "{millis} ms");
        }
    }
}
