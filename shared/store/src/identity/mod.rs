//! Members, their sessions, and whom they follow.

pub mod follow;
pub mod member;
pub mod session;
