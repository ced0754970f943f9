use std::{error::Error, time::Duration};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use domain::fault::{Code, Fault};

use crate::codes;

/// What goes wrong between us and the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// It did not happen, and may be tried again.
    #[error("the database does not answer, or only that it is busy")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Nobody can tell whether the write happened.
    #[error("the database did not say whether it wrote")]
    OutcomeUnknown(#[source] Box<dyn Error + Send + Sync>),
    /// Our own defect: a request it refuses, a permission or a table that is missing.
    #[error("the database refuses the request")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// Our own defect: an item that is not what its key says, or a value that can't be stored.
    #[error("an item can't be read or written")]
    Item(#[from] serde_dynamo::Error),
}

impl Fault for StoreFault {
    fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) => codes::STORE_UNAVAILABLE,
            Self::OutcomeUnknown(_) => codes::STORE_OUTCOME_UNKNOWN,
            Self::Refused(_) | Self::Item(_) => domain::codes::INTERNAL,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable(_) | Self::OutcomeUnknown(_) => Some(Duration::from_secs(1)),
            Self::Refused(_) | Self::Item(_) => None,
        }
    }
}

/// Why a conditional write was not done.
#[derive(Debug, thiserror::Error)]
pub enum Rejected<C> {
    /// A condition did not hold; this is what its writer said that means.
    #[error("a condition did not hold")]
    Condition(C),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// Whether a write was done, for a writer to whom it is no fault that its condition did not hold.
///
/// # Errors
/// The database's trouble.
pub fn was_done<C>(written: Result<(), Rejected<C>>) -> Result<bool, StoreFault> {
    match written {
        Ok(()) => Ok(true),
        Err(Rejected::Condition(_)) => Ok(false),
        Err(Rejected::Store(fault)) => Err(fault),
    }
}

impl<C: Fault> Fault for Rejected<C> {
    fn code(&self) -> Code {
        match self {
            Self::Condition(meaning) => meaning.code(),
            Self::Store(fault) => fault.code(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Condition(meaning) => meaning.retry_after(),
            Self::Store(fault) => fault.retry_after(),
        }
    }
}

impl From<serde_dynamo::Error> for Rejected<()> {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Whether the failed call could have changed something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Read,
    Write,
}

impl StoreFault {
    pub(crate) fn of<E, R>(error: SdkError<E, R>, effect: Effect) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        let unanswered = match effect {
            Effect::Read => Self::Unavailable,
            Effect::Write => Self::OutcomeUnknown,
        };
        match &error {
            SdkError::ConstructionFailure(_) => Self::Refused(error.into()),
            SdkError::ServiceError(answer) => match answer.err().code() {
                Some(
                    "TransactionConflictException"
                    | "ProvisionedThroughputExceededException"
                    | "ThrottlingException"
                    | "RequestLimitExceeded"
                    | "LimitExceededException",
                ) => Self::Unavailable(error.into()),
                Some(
                    "InternalServerError"
                    | "InternalFailure"
                    | "ServiceUnavailable"
                    | "TransactionInProgressException",
                )
                | None => unanswered(error.into()),
                Some(_) => Self::Refused(error.into()),
            },
            _ => unanswered(error.into()),
        }
    }
}
