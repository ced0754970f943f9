//! What reaches members: mail, and what they are told here.

pub mod mail;
pub mod notification;
pub mod telling;
