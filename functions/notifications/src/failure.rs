use gateways::queue::NotSent;
use store::StoreFault;

/// Why somebody may not have been told.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database's trouble.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// What comes next could not be sent on.
    #[error(transparent)]
    NotSent(#[from] NotSent),
}
