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

use std::{env, sync::OnceLock, time::Duration};

use aws_config::{
    AppName, BehaviorVersion, Region, SdkConfig,
    environment::EnvironmentVariableCredentialsProvider, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_secretsmanager::config::SharedCredentialsProvider;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};

/// The authorities that sign for AWS's own endpoints (<https://www.amazontrust.com/repository/>). The system's 144 would
/// take some 5 ms of every cold start to read.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// Region, credentials, HTTP client, time limits and the function's name, from the environment; read once.
///
/// Lambda gives all of it there, and a new environment before the credentials end. The SDK's own way would also look for
/// profiles, roles and the metadata of a machine.
///
/// The name travels in the user agent, so that recorded calls tell which function made them.
pub fn config() -> &'static SdkConfig {
    static CONFIG: OnceLock<SdkConfig> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(3));
        let credentials = EnvironmentVariableCredentialsProvider::new();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .timeout_config(timeouts.build())
            // A call that hangs is given up and made once more in less than the shortest of our functions may take.
            .retry_config(RetryConfig::standard().with_max_attempts(2));
        config.set_region(env::var("AWS_REGION").ok().map(Region::new));
        config.set_endpoint_url(env::var("AWS_ENDPOINT_URL").ok());
        let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
        // The certificates are a constant of ours; were they unreadable, the SDK's own client serves.
        if let Ok(tls) = TlsContext::builder().with_trust_store(roots).build() {
            let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
            config.set_http_client(Some(client.tls_context(tls).build_https()));
        }
        let name = env::var("AWS_LAMBDA_FUNCTION_NAME").ok();
        config.set_app_name(name.and_then(|name| AppName::new(name).ok()));
        config.build()
    })
}
