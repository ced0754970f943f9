//! Members, their sessions, whom they follow, and who may let others in for them.

pub mod door_key;
pub mod follow;
pub mod member;
pub mod session;
