use std::time::Duration;

use aws::{Connect, ConnectError, variable};
use opensearch::auth::Credentials;
use opensearch::http::headers::HeaderMap;
use opensearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use opensearch::http::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Error;

/// The longest that a function's start waits for the first connection.
const CONNECT: Duration = Duration::from_secs(1);
/// The longest that one call takes, connecting included.
const TOTAL: Duration = Duration::from_secs(5);

/// The way to OpenSearch. A clone shares its connections.
#[derive(Clone, Debug)]
pub struct Search {
    transport: Transport,
    alias: String,
}

impl Connect for Search {
    /// Connects to `OPENSEARCH_URL`, with the alias `events`. A server that does not answer now is no error: the first call
    /// meets it.
    async fn connect() -> Result<Self, ConnectError> {
        let search = Self::new(&variable("OPENSEARCH_URL")?, "events")?;
        // Opens the connection, so that the first request need not.
        let _ = search.send(Method::Head, "/", None, CONNECT).await;
        Ok(search)
    }
}

impl Search {
    /// An address and an alias: signed with the function's own credentials, unless it is plain HTTP on this machine. Opens no
    /// connection yet.
    ///
    /// # Errors
    /// [`Error::Setup`] when the address or the credentials are of no use.
    pub fn new(address: &str, alias: &str) -> Result<Self, Error> {
        let url =
            Url::parse(address).map_err(|wrong| Error::Setup(format!("{address}: {wrong}")))?;
        let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let mut builder =
            TransportBuilder::new(SingleNodeConnectionPool::new(url.clone())).timeout(TOTAL);
        builder = match url.scheme() {
            "http" if here => builder.disable_proxy(),
            "https" => builder.service_name("es").auth(signature()?),
            _ => {
                return Err(Error::Setup(format!(
                    "{address}: beyond this machine it must be https"
                )));
            }
        };
        let transport = builder.build().map_err(|wrong| Error::Setup(wrong.to_string()))?;
        Ok(Self { transport, alias: alias.to_owned() })
    }

    /// Asks whether the index can be searched and written.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::NotReady`] when the index is missing or broken.
    pub async fn ping(&self) -> Result<(), Error> {
        let path = format!("/_cluster/health/{}?level=indices&timeout=1s", self.alias);
        let health: Value = self.call(Method::Get, &path, None).await?;
        let whole = health["indices"].as_object().is_some_and(|indices| !indices.is_empty())
            && health["status"] != "red";
        if !whole {
            return Err(Error::NotReady {
                status: 503,
                reason: format!("health of the index: {}", health["status"]),
            });
        }
        Ok(())
    }

    /// The name that is searched.
    pub(crate) fn read_alias(&self) -> &str {
        &self.alias
    }

    /// One call whose answer is JSON. It is sent a second time when the connection was lost: every call here may be
    /// repeated, and a function that slept often wakes to a connection that is gone.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<T, Error> {
        let (status, answer) = match self.send(method, path, body.as_deref(), TOTAL).await {
            Err(lost) if !lost.is_timeout() => {
                self.send(method, path, body.as_deref(), TOTAL).await
            }
            first => first,
        }
        .map_err(Error::Unreachable)?;
        if !status.is_success() {
            return Err(failure(status, answer));
        }
        Ok(serde_json::from_str(&answer)?)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&str>,
        limit: Duration,
    ) -> Result<(StatusCode, String), opensearch::Error> {
        let body = body.map(str::to_owned);
        let response = self
            .transport
            .send(method, path, HeaderMap::new(), None::<&()>, body, Some(limit))
            .await?;
        let status = response.status_code();
        Ok((status, response.text().await?))
    }
}

fn signature() -> Result<Credentials, Error> {
    Credentials::try_from(aws::config()).map_err(|wrong| Error::Setup(wrong.to_string()))
}

fn failure(status: StatusCode, reason: String) -> Error {
    let later = status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::NOT_FOUND | StatusCode::REQUEST_TIMEOUT
        );
    let status = status.as_u16();
    if later { Error::NotReady { status, reason } } else { Error::Refused { status, reason } }
}
