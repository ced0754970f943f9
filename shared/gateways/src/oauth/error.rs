//! Why nobody knows who it is.

use std::time::Duration;

use domain::fault::{Code, Fault};

use crate::codes;

/// How asking failed. Either way nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The provider said no to this code: it was used, is over, or was never its own.
    #[error("the provider refused: {0}")]
    Refused(Cause),
    /// The provider did not say, or nothing that can be read.
    #[error("the provider is not available: {0}")]
    Unavailable(Cause),
}

/// What was seen. Nothing of an answer is quoted but the name of its error, if that is one of OAuth's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// No connection could be opened.
    #[error("no connection")]
    NoConnection,
    /// No answer came in time.
    #[error("timed out")]
    TimedOut,
    /// The connection broke before the answer was complete.
    #[error("connection dropped")]
    Dropped,
    /// An answer with this status and nothing in it that says why.
    #[error("HTTP {0}")]
    Status(u16),
    /// Success, but not in a shape that can be read, or of nobody.
    #[error("unreadable answer")]
    Unreadable,
    /// The code, or what came with it, is not good.
    #[error("the code is not good")]
    Code,
    /// Our own name or secret was not accepted: a defect of ours.
    #[error("not accepted as configured")]
    Misconfigured,
    /// The secret could not be had.
    #[error("{0}")]
    Secret(#[from] aws::SecretFault),
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Refused(_) => codes::PROVIDER_REFUSED,
            Self::Unavailable(_) => codes::PROVIDER_UNAVAILABLE,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Unavailable(_)).then_some(Duration::from_secs(5))
    }
}

/// What an `error` of RFC 6749, 5.2, means. Two of them blame us and not whoever came.
pub(super) fn refused(error: &str) -> Error {
    match error {
        "invalid_client" | "unauthorized_client" => Error::Unavailable(Cause::Misconfigured),
        _ => Error::Refused(Cause::Code),
    }
}
