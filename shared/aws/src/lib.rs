//! The one configuration, and with it the one HTTP client, of all AWS clients in a process: each client of its own
//! would load the root certificates again, which is most of a cold start.

use std::env;

use aws_config::{AppName, BehaviorVersion, SdkConfig};
use tokio::sync::OnceCell;

/// Region, credentials, HTTP client and the function's name, from the environment; read once.
///
/// The name travels in the user agent, so that recorded calls tell which function made them.
pub async fn config() -> &'static SdkConfig {
    static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();
    CONFIG
        .get_or_init(async || {
            let mut loader = aws_config::defaults(BehaviorVersion::latest());
            let name = env::var("AWS_LAMBDA_FUNCTION_NAME").ok();
            if let Some(name) = name.and_then(|name| AppName::new(name).ok()) {
                loader = loader.app_name(name);
            }
            loader.load().await
        })
        .await
}
