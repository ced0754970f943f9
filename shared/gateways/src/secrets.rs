//! AWS Secrets Manager: each secret is loaded when it is first needed and kept for five minutes.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config;
use domain::fault::{Fault, Kind};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

/// How long a secret is used before it is looked up again. A rotation waits longer than this between its steps.
const KEPT: Duration = Duration::from_mins(5);

/// How long a secret that could not be looked up again goes on being used, until the next attempt.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a lookup may take, the SDK's own retries included.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Secrets by name. A clone shares what was loaded.
#[derive(Clone)]
pub struct Secrets {
    client: Client,
    kept: Duration,
    slots: Arc<Mutex<HashMap<(String, TypeId), Slot>>>,
}

/// Whoever holds the lock may look the secret up; the others wait for what it finds.
type Slot = Arc<tokio::sync::Mutex<Option<Loaded>>>;

struct Loaded {
    value: Arc<dyn Any + Send + Sync>,
    good_until: Instant,
}

impl Secrets {
    /// With the configuration that all AWS clients of the process share.
    pub async fn connect() -> Self {
        Self::new(aws::config().await)
    }

    /// With the HTTP client, region and credentials of `aws`.
    pub fn new(aws: &SdkConfig) -> Self {
        // On top of the other limits: another limit for connecting would be another pool of connections.
        let limits =
            aws.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        let limits = limits.operation_timeout(TIME_LIMIT).build();
        let config = config::Builder::from(aws).timeout_config(limits).build();
        Self { client: Client::from_conf(config), kept: KEPT, slots: Arc::default() }
    }

    /// The secret with this name, read from its JSON. Asked for by many at once, it is loaded once. The same `Arc` is
    /// given until it is loaded again, so what is costly to make of a secret can be made in `T`'s `Deserialize`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it was never loaded and cannot be now (one that was loaded before goes on being used),
    /// [`Error::Unreadable`] when it is not the JSON that `T` reads.
    pub async fn get<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        id: &str,
    ) -> Result<Arc<T>, Error> {
        let slot = self.slot::<T>(id);
        let mut slot = slot.lock().await;
        let now = Instant::now();
        let kept = slot.as_ref().and_then(|loaded| {
            Some((Arc::clone(&loaded.value).downcast::<T>().ok()?, loaded.good_until))
        });
        if let Some((value, good_until)) = &kept
            && now < *good_until
        {
            return Ok(Arc::clone(value));
        }
        let (value, good_until) = match (self.load::<T>(id).await, kept) {
            (Ok(value), _) => (Arc::new(value), now + self.kept),
            (Err(error), Some((value, _))) => {
                tracing::warn!(error = %error, "a secret is used beyond its time");
                (value, now + PATIENCE)
            }
            (Err(error), None) => return Err(error),
        };
        *slot = Some(Loaded { value: Arc::clone(&value) as _, good_until });
        Ok(value)
    }

    fn slot<T: 'static>(&self, id: &str) -> Slot {
        // Nothing can panic while this is locked.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry((id.to_owned(), TypeId::of::<T>())).or_default())
    }

    async fn load<T: DeserializeOwned>(&self, id: &str) -> Result<T, Error> {
        let answer =
            self.client.get_secret_value().secret_id(id).send().await.map_err(|error| {
                let code = error
                    .as_service_error()
                    .and_then(|error| error.meta().code())
                    .unwrap_or("no answer");
                Error::Unavailable { id: id.to_owned(), code: code.to_owned() }
            })?;
        let unreadable = || Error::Unreadable { id: id.to_owned() };
        let text = answer.secret_string().ok_or_else(unreadable)?;
        // serde's message would quote the secret.
        serde_json::from_str(text).map_err(|_| unreadable())
    }
}

/// One secret, by the name that an environment variable holds, read as a `T`.
pub struct Secret<T> {
    secrets: Secrets,
    id: Arc<str>,
    kind: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Send + Sync + 'static> Secret<T> {
    /// The secret whose name is in `variable`. It is not loaded yet.
    ///
    /// # Errors
    /// When the variable is missing.
    pub async fn connect(variable: &'static str) -> Result<Self, Missing> {
        let id = std::env::var(variable).map_err(|_| Missing(variable))?;
        Ok(Self::new(Secrets::connect().await, &id))
    }

    /// The secret with this name.
    pub fn new(secrets: Secrets, id: &str) -> Self {
        Self { secrets, id: id.into(), kind: PhantomData }
    }

    /// Its value, as [`Secrets::get`] gives it.
    ///
    /// # Errors
    /// As [`Secrets::get`].
    pub async fn get(&self) -> Result<Arc<T>, Error> {
        self.secrets.get(&self.id).await
    }
}

impl<T> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self { secrets: self.secrets.clone(), id: Arc::clone(&self.id), kind: self.kind }
    }
}

/// An environment variable that names a secret is not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is missing")]
pub struct Missing(&'static str);

/// Why there is no secret. Never says anything of its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Secrets Manager did not answer, or did not give it.
    #[error("secret {id} could not be loaded: {code}")]
    Unavailable {
        /// The secret's name.
        id: String,
        /// Secrets Manager's error code.
        code: String,
    },
    /// It is not what it should be.
    #[error("secret {id} is not the JSON that is expected")]
    Unreadable {
        /// The secret's name.
        id: String,
    },
}

impl Fault for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable { .. } => Kind::Unavailable,
            Self::Unreadable { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "SECRET_UNAVAILABLE",
            Self::Unreadable { .. } => "SECRET_UNREADABLE",
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};
    use serde::Deserialize;
    use serde_json::json;
    use wiremock::matchers::{body_json, header};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Word {
        word: String,
    }

    fn run<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Runtime::new().unwrap().block_on(test)
    }

    fn secrets(server: &MockServer) -> Secrets {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("ap-northeast-2"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(server.uri())
            .build();
        Secrets::new(&aws)
    }

    fn holding(text: &str) -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_json(json!({ "Name": "a", "SecretString": text }))
    }

    fn refusing() -> ResponseTemplate {
        let body = json!({ "__type": "ResourceNotFoundException", "Message": "no" });
        ResponseTemplate::new(400).set_body_json(body)
    }

    #[test]
    fn many_who_ask_at_once_share_one_lookup() {
        run(async {
            let server = MockServer::start().await;
            Mock::given(header("X-Amz-Target", "secretsmanager.GetSecretValue"))
                .and(body_json(json!({ "SecretId": "local/word" })))
                .respond_with(holding(r#"{"word":"open"}"#).set_delay(Duration::from_millis(50)))
                .expect(1)
                .mount(&server)
                .await;
            let secrets = secrets(&server);
            let asking: Vec<_> = (0..50)
                .map(|_| {
                    let secrets = secrets.clone();
                    tokio::spawn(async move { secrets.get::<Word>("local/word").await.unwrap() })
                })
                .collect();
            let mut first: Option<Arc<Word>> = None;
            for answer in asking {
                let word = answer.await.unwrap();
                assert_eq!(word.word, "open");
                assert!(Arc::ptr_eq(first.get_or_insert_with(|| Arc::clone(&word)), &word));
            }
        });
    }

    #[test]
    fn a_secret_past_its_time_is_looked_up_again_and_kept_while_that_fails() {
        run(async {
            let server = MockServer::start().await;
            let old = holding(r#"{"word":"old"}"#);
            Mock::given(body_json(json!({ "SecretId": "a" })))
                .respond_with(old)
                .up_to_n_times(1)
                .mount(&server)
                .await;
            Mock::given(body_json(json!({ "SecretId": "a" })))
                .respond_with(holding(r#"{"word":"new"}"#))
                .up_to_n_times(1)
                .mount(&server)
                .await;
            Mock::given(body_json(json!({ "SecretId": "a" })))
                .respond_with(refusing())
                .expect(1)
                .mount(&server)
                .await;
            let secrets = Secrets { kept: Duration::ZERO, ..secrets(&server) };
            let mut words = Vec::new();
            for _ in 0..5 {
                words.push(secrets.get::<Word>("a").await.unwrap().word.clone());
            }
            // Old, new; then the lookup fails, and is left alone for a while.
            assert_eq!(words, ["old", "new", "new", "new", "new"]);
        });
    }

    #[test]
    fn an_error_says_which_secret_and_nothing_of_its_value() {
        run(async {
            let server = MockServer::start().await;
            Mock::given(body_json(json!({ "SecretId": "bad" })))
                .respond_with(holding(r#"{"word":{"key":"hush"}}"#))
                .mount(&server)
                .await;
            Mock::given(body_json(json!({ "SecretId": "none" })))
                .respond_with(refusing())
                .mount(&server)
                .await;
            let secrets = secrets(&server);

            let bad = secrets.get::<Word>("bad").await.unwrap_err();
            assert_eq!(bad.kind(), Kind::Internal);
            assert!(!format!("{bad} {bad:?}").contains("hush"));

            let none = secrets.get::<Word>("none").await.unwrap_err();
            assert_eq!(
                none.to_string(),
                "secret none could not be loaded: ResourceNotFoundException"
            );
            assert_eq!(none.kind(), Kind::Unavailable);
        });
    }

    #[test]
    fn one_secret_can_be_read_as_two_types() {
        run(async {
            let server = MockServer::start().await;
            Mock::given(body_json(json!({ "SecretId": "a" })))
                .respond_with(holding(r#"{"word":"open"}"#))
                .mount(&server)
                .await;
            let secrets = secrets(&server);
            assert_eq!(secrets.get::<Word>("a").await.unwrap().word, "open");
            assert_eq!(secrets.get::<serde_json::Value>("a").await.unwrap()["word"], "open");
        });
    }
}
