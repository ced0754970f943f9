use aws_sdk_sqs::Client;
use domain::id::MemberId;

/// A queue of a test's own.
pub struct OwnQueue {
    sqs: Client,
    /// Its address.
    pub url: String,
}

impl OwnQueue {
    /// Makes one.
    ///
    /// # Panics
    /// When the local SQS doesn't.
    pub async fn new() -> Self {
        let address =
            std::env::var("AWS_ENDPOINT_URL").expect("these tests are run by `make test`");
        let sqs = Client::new(&crate::aws(&address));
        let made = sqs.create_queue().queue_name(MemberId::generate().to_string()).send().await;
        let url = made.ok().and_then(|made| made.queue_url).expect("the local SQS makes a queue");
        Self { sqs, url }
    }

    /// Takes ten of the messages that are to be had now; none if there is none.
    ///
    /// # Panics
    /// When the local SQS doesn't answer.
    pub async fn take(&self) -> Vec<String> {
        let receiving = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let received = receiving.send().await.expect("the local SQS gives what there is").messages;
        let mut bodies = Vec::new();
        for message in received.unwrap_or_default() {
            let deleting = self.sqs.delete_message().queue_url(&self.url);
            let deleting = deleting.set_receipt_handle(message.receipt_handle);
            deleting.send().await.expect("the local SQS deletes what was received");
            bodies.extend(message.body);
        }
        bodies
    }
}
