//! Members and their sessions.

pub mod session;
