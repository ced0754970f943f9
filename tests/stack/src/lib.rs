//! What tests stand on: one runtime, one client and one fresh set of tables per process.
//!
//! Tests of a process are kept apart by fresh ids. `make test` starts what they need and says where it is.
#![expect(clippy::expect_used, reason = "a test that can't start says why and ends")]

mod losing;
mod meanwhile;
mod meter;
mod model;
mod own_bucket;
mod own_queue;
mod samples;
mod tables;
mod tamper;

pub use losing::losing;
pub use meanwhile::meanwhile;
pub use meter::{Call, Meter, metered};
pub use model::assert_operation;
pub use own_bucket::OwnBucket;
pub use own_queue::OwnQueue;
pub use samples::{
    KEY_ID, PRIVATE_KEY, PUBLIC_KEYS, aws, caller, cursor_secret, event, event_over, member,
    session, sign_in,
};
pub use tables::{items, own_tables, prefix, table_names};
pub use tamper::{without, without_all};

use std::{future::Future, sync::OnceLock};

use aws_config::{AppName, BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::{Client, config::Credentials};
use tokio::{
    runtime::{Builder, Runtime},
    task::unconstrained,
};

/// Runs a test on the runtime that all tests of the process share.
///
/// `#[tokio::test]` would make one for each test, and a shared client's connections die with the runtime that opened them.
pub fn run<F: Future>(test: F) -> F::Output {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let start = || Builder::new_multi_thread().enable_all().build().expect("a runtime");
    // Simulated servers are locked when they are dropped, by an executor that waits for ever when a task has used up its turn.
    RUNTIME.get_or_init(start).block_on(unconstrained(test))
}

/// Whether what chance decides happens, in twenty tries at most: what a race does without its condition, when its callers meet.
pub async fn happens(mut tries: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..20 {
        if tries().await {
            return true;
        }
    }
    false
}

/// The client of the local DynamoDB that all tests of the process share.
pub fn dynamo() -> Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| Client::from_conf(config().build())).clone()
}

/// A client under a name of its own, whose calls go where those of functions are recorded (`FAULTS_URL`): what is ordered there
/// for the name happens to it alone. It tries as often as a function does.
///
/// # Panics
/// When the name is none that AWS takes.
pub fn recorded(name: &str) -> Client {
    let address = std::env::var("FAULTS_URL")
        .expect("FAULTS_URL is not set: these tests are run by `make test`");
    let config = config()
        .endpoint_url(address.trim_end_matches("/_faults"))
        .app_name(AppName::new(name.to_owned()).expect("a name"))
        .retry_config(RetryConfig::standard().with_max_attempts(2));
    Client::from_conf(config.build())
}

fn config() -> aws_sdk_dynamodb::config::Builder {
    let address = std::env::var("AWS_ENDPOINT_URL")
        .expect("AWS_ENDPOINT_URL is not set: these tests are run by `make test`");
    aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(address)
        .region(Region::new("ap-northeast-2"))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        // Hundreds of contenders on two cores wait for each other, and that is no fault.
        .timeout_config(TimeoutConfig::disabled())
        .retry_config(RetryConfig::standard())
}
