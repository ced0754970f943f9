use aws::{Connect, ConnectError, variable};
use aws_sdk_dynamodb::{
    Client,
    config::{self, retry::RetryConfig},
};

use crate::Store;

impl Connect for Store {
    /// The store that the environment names (`TABLE_PREFIX`), with its connection open. A database that can't be reached is the
    /// first request's to tell.
    async fn connect() -> Result<Self, ConnectError> {
        let prefix = variable("TABLE_PREFIX")?;
        let client = Client::new(aws::config());
        greet(&client).await;
        Ok(Self::new(client, &prefix))
    }
}

/// Opens the connection while the function starts, when Lambda gives it the most CPU, and not in the first request.
/// DynamoDB answers `GET /` to anybody and for free; its answer, or that there is none, does not matter here.
async fn greet(client: &Client) {
    let once = config::Builder::new().retry_config(RetryConfig::disabled());
    let greeting =
        client.list_tables().customize().config_override(once).mutate_request(|request| {
            // It can't fail: the text is a constant. The address is `/` already.
            let _ = request.set_method("GET");
            request.headers_mut().remove("x-amz-target");
            // Or the server would wait for the body that is no more.
            request.headers_mut().remove("content-length");
            *request.body_mut() = "".into();
        });
    let _ = greeting.send().await;
}
