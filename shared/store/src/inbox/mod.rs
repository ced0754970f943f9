//! What members are told.

pub mod notification;
