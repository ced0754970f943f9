use std::{sync::Arc, time::Duration};

use aws_config::{SdkConfig, timeout::TimeoutConfig};
use aws_sdk_secretsmanager::{Client, config};
use domain::fault::{Code, Fault};
use serde::de::DeserializeOwned;
use tokio::{sync::Mutex, time::Instant};

use crate::{Connect, ConnectError, codes, variable};

/// How long a secret is used before it is looked up again. A rotation waits longer than this between its steps.
const KEPT: Duration = Duration::from_mins(5);

/// How long a secret that could not be looked up again goes on being used, until the next attempt.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a lookup may take, the SDK's own retries included.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// What Secrets Manager holds as JSON.
pub trait FromSecret: DeserializeOwned + Send + Sync + 'static {
    /// The environment variable with the secret's name.
    const VARIABLE: &'static str;
}

/// One secret of AWS Secrets Manager: loaded when it is first needed, and kept for five minutes. A clone shares what was loaded.
pub struct Secret<T> {
    client: Client,
    id: Arc<str>,
    kept: Duration,
    /// Whoever holds the lock may look the secret up; the others wait for what it finds.
    loaded: Arc<Mutex<Option<Loaded<T>>>>,
}

struct Loaded<T> {
    value: Arc<T>,
    good_until: Instant,
}

impl<T: FromSecret> Connect for Secret<T> {
    /// The secret that the environment names. It is not loaded yet.
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self::new(crate::config(), &variable(T::VARIABLE)?))
    }
}

impl<T: DeserializeOwned> Secret<T> {
    /// The secret with this name, with the HTTP client, region and credentials of `aws`.
    pub fn new(aws: &SdkConfig, id: &str) -> Self {
        // On top of the other limits: another limit for connecting would be another pool of connections.
        let limits =
            aws.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        let limits = limits.operation_timeout(TIME_LIMIT).build();
        let config = config::Builder::from(aws).timeout_config(limits).build();
        Self {
            client: Client::from_conf(config),
            id: id.into(),
            kept: KEPT,
            loaded: Arc::default(),
        }
    }

    /// Its value, read from its JSON. Asked for by many at once, it is loaded once. The same `Arc` is given until it is loaded
    /// again, so what is costly to make of a secret can be made in `T`'s `Deserialize`.
    ///
    /// # Errors
    /// [`SecretFault::Unavailable`] when it was never loaded and cannot be now (one that was loaded before goes on being used),
    /// [`SecretFault::Unreadable`] when it is not the JSON that `T` reads.
    pub async fn get(&self) -> Result<Arc<T>, SecretFault> {
        let mut loaded = self.loaded.lock().await;
        let now = Instant::now();
        if let Some(kept) = loaded.as_ref().filter(|kept| now < kept.good_until) {
            return Ok(Arc::clone(&kept.value));
        }
        let (value, good_until) = match (self.load().await, loaded.as_ref()) {
            (Ok(value), _) => (Arc::new(value), now + self.kept),
            (Err(error), Some(kept)) => {
                tracing::warn!(error = %error, "a secret is used beyond its time");
                (Arc::clone(&kept.value), now + PATIENCE)
            }
            (Err(error), None) => return Err(error),
        };
        *loaded = Some(Loaded { value: Arc::clone(&value), good_until });
        Ok(value)
    }

    async fn load(&self) -> Result<T, SecretFault> {
        let answer = self.client.get_secret_value().secret_id(&*self.id).send().await;
        let answer = answer.map_err(|error| {
            let code = error.as_service_error().and_then(|error| error.meta().code());
            let code = code.unwrap_or("no answer").to_owned();
            SecretFault::Unavailable { id: self.id.to_string(), code }
        })?;
        let unreadable = || SecretFault::Unreadable { id: self.id.to_string() };
        let text = answer.secret_string().ok_or_else(unreadable)?;
        // serde's message would quote the secret.
        serde_json::from_str(text).map_err(|_| unreadable())
    }
}

impl<T> Clone for Secret<T> {
    fn clone(&self) -> Self {
        let Self { client, id, kept, loaded } = self;
        let (client, loaded) = (client.clone(), Arc::clone(loaded));
        Self { client, id: Arc::clone(id), kept: *kept, loaded }
    }
}

/// Why there is no secret. Never says anything of its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
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

impl Fault for SecretFault {
    fn code(&self) -> Code {
        match self {
            Self::Unavailable { .. } => codes::SECRET_UNAVAILABLE,
            Self::Unreadable { .. } => codes::SECRET_UNREADABLE,
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

    fn secret<T: DeserializeOwned>(server: &MockServer, id: &str) -> Secret<T> {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("ap-northeast-2"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(server.uri())
            .build();
        Secret::new(&aws, id)
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
            let secret = secret::<Word>(&server, "local/word");
            let asking: Vec<_> = (0..50)
                .map(|_| {
                    let secret = secret.clone();
                    tokio::spawn(async move { secret.get().await.unwrap() })
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
            let secret = Secret::<Word> { kept: Duration::ZERO, ..secret(&server, "a") };
            let mut words = Vec::new();
            for _ in 0..5 {
                words.push(secret.get().await.unwrap().word.clone());
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
            let bad = secret::<Word>(&server, "bad").get().await.unwrap_err();
            assert_eq!(bad.code(), codes::SECRET_UNREADABLE);
            assert!(!format!("{bad} {bad:?}").contains("hush"));

            let none = secret::<Word>(&server, "none").get().await.unwrap_err();
            assert_eq!(
                none.to_string(),
                "secret none could not be loaded: ResourceNotFoundException"
            );
            assert_eq!(none.code(), codes::SECRET_UNAVAILABLE);
        });
    }
}
