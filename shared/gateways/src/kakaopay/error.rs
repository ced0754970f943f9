//! What can go wrong with KakaoPay, sorted by the one question that matters: did it happen?

use std::time::Duration;

use domain::fault::{Code, Fault};
use reqwest::StatusCode;
use serde::Deserialize;

use crate::codes;

/// How a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// KakaoPay said no to this order. Nothing was done, and asking again would be answered the same.
    #[error("KakaoPay refused: {code}")]
    Refused {
        /// KakaoPay's `error_code`.
        code: i64,
        /// KakaoPay's `error_message`. Not for logs: it may quote what was sent.
        message: String,
    },
    /// Nothing was done, or (for `ready` and `order`) nothing that matters. It may be tried again later.
    #[error("KakaoPay is not available: {0}")]
    Unavailable(Cause),
    /// Money may have moved, or not. Only `order` can tell; until then the payment stays in between.
    #[error("KakaoPay may have done it: {0}")]
    OutcomeUnknown(Cause),
}

/// What was seen.
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
    /// An answer with this status and nothing of KakaoPay's in it.
    #[error("HTTP {0}")]
    Status(u16),
    /// Success, but not in a shape that can be read.
    #[error("unreadable answer")]
    Unreadable,
    /// Success, but about another order, tid or amount than was asked for.
    #[error("the answer's {0} is not what was asked for")]
    Mismatch(&'static str),
    /// KakaoPay's own code, which says that the order is not as we think, or that KakaoPay does not know either.
    #[error("code {0}")]
    Code(i64),
    /// Our own key or merchant code was not accepted, or the request was malformed: a defect of ours.
    #[error("not accepted as configured: code {0}")]
    Misconfigured(i64),
    /// The secret key could not be had.
    #[error("{0}")]
    Key(#[from] aws::SecretFault),
}

impl Cause {
    /// Whether it may be gone in a moment. After a time-out it may, but whoever waits has waited long enough.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::NoConnection
            | Self::Dropped
            | Self::Unreadable
            | Self::Mismatch(_)
            | Self::Code(_) => true,
            Self::Status(status) => *status >= 500,
            Self::TimedOut | Self::Misconfigured(_) | Self::Key(_) => false,
        }
    }
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Refused { .. } => codes::KAKAOPAY_REFUSED,
            Self::Unavailable(_) => codes::KAKAOPAY_UNAVAILABLE,
            Self::OutcomeUnknown(_) => codes::KAKAOPAY_OUTCOME_UNKNOWN,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Unavailable(_)).then_some(Duration::from_secs(5))
    }
}

/// Codes that blame our key, merchant code, parameters, address or domain, not the order.
const MISCONFIGURED: [i64; 12] = [-2, -3, -4, -5, -401, -730, -731, -732, -733, -798, -799, -803];

/// Codes that don't mean "nothing happened": KakaoPay failed inside (-1, -7, -9798), or has this order already approved
/// (-702, -783), already cancelled in part or whole (-710, -722, -784), or is at it right now (-785). Whoever lost the
/// answer to a first attempt gets these for the second, so they must never fail a payment or lose a refund.
const ASK_ORDER: [i64; 9] = [-1, -7, -9798, -702, -783, -710, -722, -784, -785];

/// "A transaction is in progress, try again in a moment": the payer's method is still busy with a first attempt.
const IN_PROGRESS: &str = "USER_LOCKED";

#[derive(Deserialize)]
struct Refusal {
    error_code: i64,
    #[serde(default)]
    error_message: String,
    #[serde(default)]
    extras: Extras,
}

#[derive(Default, Deserialize)]
struct Extras {
    #[serde(default)]
    method_result_code: String,
}

/// Sorts an answer that is not a success. `doubt` makes the error for what may have happened.
pub(super) fn refusal(status: StatusCode, body: &[u8], doubt: impl Fn(Cause) -> Error) -> Error {
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Error::Unavailable(Cause::Status(status.as_u16()));
    }
    // Without a body of KakaoPay's own, something in between may have answered while KakaoPay worked on.
    let told = serde_json::from_slice::<Refusal>(body).ok().filter(|_| status.is_client_error());
    let Some(Refusal { error_code: code, error_message: message, extras }) = told else {
        return doubt(Cause::Status(status.as_u16()));
    };
    if ASK_ORDER.contains(&code) || extras.method_result_code == IN_PROGRESS {
        return doubt(Cause::Code(code));
    }
    let unaccepted = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if unaccepted || MISCONFIGURED.contains(&code) {
        return Error::Unavailable(Cause::Misconfigured(code));
    }
    Error::Refused { code, message }
}
