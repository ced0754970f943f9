//! What reaches members: mail.

pub mod mail;
