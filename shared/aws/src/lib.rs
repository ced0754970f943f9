//! What AWS gives a function: its environment variables, its secrets, the deadline of an invocation, and the one configuration, and
//! with it the one HTTP client, of all AWS clients in the process.

pub mod codes;
mod connect;
pub mod deadline;
mod secret;
mod variable;

pub use connect::{Connect, ConnectError};
pub use secret::{FromSecret, Secret, SecretFault};
pub use variable::{Missing, variable};

use std::{env, time::Duration};

use aws_config::{AppName, BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use tokio::sync::OnceCell;

/// The authorities that sign for AWS's own endpoints (<https://www.amazontrust.com/repository/>). The system's 144 would
/// take some 5 ms of every cold start to read.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// Region, credentials, HTTP client, time limits and the function's name, from the environment; read once.
///
/// The name travels in the user agent, so that recorded calls tell which function made them.
pub async fn config() -> &'static SdkConfig {
    static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();
    CONFIG
        .get_or_init(async || {
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(Duration::from_secs(3));
            // A call that hangs is given up and made once more in less than the shortest of our functions may take.
            let mut loader = aws_config::defaults(BehaviorVersion::latest())
                .timeout_config(timeouts.build())
                .retry_config(RetryConfig::standard().with_max_attempts(2));
            let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
            // The certificates are a constant of ours; were they unreadable, the SDK's own client serves.
            if let Ok(tls) = TlsContext::builder().with_trust_store(roots).build() {
                let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
                loader = loader.http_client(client.tls_context(tls).build_https());
            }
            let name = env::var("AWS_LAMBDA_FUNCTION_NAME").ok();
            if let Some(name) = name.and_then(|name| AppName::new(name).ok()) {
                loader = loader.app_name(name);
            }
            loader.load().await
        })
        .await
}
