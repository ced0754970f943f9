//! What goes wrong, in the words of the business. Only the HTTP border knows which status that is.

use std::error::Error;
use std::time::Duration;

/// The kinds of trouble that a caller can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nobody, or nobody we believe, is asking.
    Unauthenticated,
    /// The one who asks may not do this.
    Forbidden,
    /// There is no such thing, or none that the one who asks may know of.
    NotFound,
    /// A rule of the business says no: the sale has ended, the seats are gone, the points are too few.
    Refused,
    /// The thing is in a state that does not allow this.
    Conflict,
    /// The thing was changed since it was read.
    Stale,
    /// Too often, too fast.
    TooMany,
    /// What was sent is not valid.
    Invalid,
    /// Something we depend on does not answer. It did not happen, and may be tried again.
    Unavailable,
    /// It cannot be told whether it happened: to be settled, never just repeated.
    Unknown,
    /// A defect of ours.
    Internal,
}

/// Implemented by every error that can end a request.
pub trait Fault: Error + Send + Sync + 'static {
    /// What kind of trouble it is.
    fn kind(&self) -> Kind;

    /// A stable name for programs, in `SCREAMING_SNAKE`.
    fn code(&self) -> &'static str;

    /// When trying again makes sense.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}
