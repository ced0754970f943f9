//! The systems of others, one module each with an error type of its own.
//!
//! Every call has a time limit and is repeated only where repeating is harmless. Each error says which of three things
//! happened: the other said no, it surely did nothing, or nobody can tell.

pub mod bus;
pub mod codes;
pub mod files;
mod http;
pub mod kakaopay;
pub mod mail;
pub mod oauth;
pub mod pace;
pub mod queue;
pub mod refunds;
pub mod ses;

pub use bus::{Bus, DomainEvent};
pub use files::Files;
pub use http::{Limits, SetupError};
pub use kakaopay::Kakaopay;
pub use mail::MailMessage;
pub use oauth::OAuth;
pub use pace::Pace;
pub use queue::{Message, Queue};
pub use refunds::RefundRequested;
pub use ses::Ses;
