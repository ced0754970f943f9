//! The HTTP client under every gateway.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, redirect};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

/// Shorter than any server keeps an idle connection. A function may have been frozen meanwhile, and a request on a
/// connection that the other side has just closed would be one with an unknown outcome.
const IDLE: Duration = Duration::from_secs(10);

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection. Shorter than `answer`, so that a connection that never opened (nothing happened) can be told
    /// from an answer that never came (nobody knows).
    pub connect: Duration,
    /// For the whole call, connecting included.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), answer: Duration::from_secs(5) }
    }
}

/// A client that follows no redirects and looks for no proxies. It trusts Mozilla's roots as they were compiled in:
/// reading the system's would take 2.6 ms of each cold start, these take 0.05.
pub(crate) fn client(limits: Limits) -> Result<Client, SetupError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(limits.connect)
        .timeout(limits.answer)
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()?;
    Ok(client)
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The TLS library does not work as it was built.
    #[error("no TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP client cannot be built.
    #[error("no HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}
