//! What proves who somebody is.

pub mod handshake;
pub mod password;
pub mod refresh_token;
