use std::time::Duration;

use domain::fault::{Code, Fault};

use crate::codes;

/// Why OpenSearch did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is missing or not one to talk to, or there are no credentials to sign with.
    #[error("search is not set up: {0}")]
    Setup(String),
    /// No answer, or none in time.
    #[error("OpenSearch does not answer")]
    Unreachable(#[source] opensearch::Error),
    /// It answers that it can't now: overloaded, starting, or without its index.
    #[error("OpenSearch can't answer now: {status} {reason}")]
    NotReady {
        /// The HTTP status.
        status: u16,
        /// What it said.
        reason: String,
    },
    /// It refused what we sent: a defect of ours.
    #[error("OpenSearch refused: {status} {reason}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        reason: String,
    },
    /// The answer is not what the documentation says.
    #[error("OpenSearch's answer can't be read")]
    Unreadable(#[from] serde_json::Error),
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unreachable(_) | Self::NotReady { .. } => codes::SEARCH_UNAVAILABLE,
            Self::Setup(_) | Self::Refused { .. } | Self::Unreadable(_) => codes::SEARCH_FAILED,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        (self.code() == codes::SEARCH_UNAVAILABLE).then_some(Duration::from_secs(1))
    }
}
