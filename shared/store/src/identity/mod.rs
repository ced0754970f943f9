//! Members and their sessions.

pub mod member;
pub mod session;
