//! Accounts and sessions.

mod access;
mod codes;
mod credentials;
#[cfg(test)]
mod testing;
mod view;

pub mod change_me;
pub mod end_my_other_sessions;
pub mod end_my_session;
pub mod finish_social_sign_in;
pub mod get_me;
pub mod limits;
pub mod list_my_sessions;
pub mod refresh;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod start_social_sign_in;
pub mod unlink_identity;

use gateways::codes::{PROVIDER_REFUSED, PROVIDER_UNAVAILABLE};

api::routes! {
    sign_up [store::codes::EMAIL_TAKEN, store::codes::PHONE_TAKEN],
    sign_in [codes::WRONG_EMAIL_OR_PASSWORD],
    refresh [codes::REFRESH_TOKEN_INVALID],
    sign_out,
    get_me,
    change_me [store::codes::PHONE_TAKEN],
    list_my_sessions,
    end_my_session [codes::SESSION_NOT_FOUND],
    end_my_other_sessions,
    start_social_sign_in,
    finish_social_sign_in [codes::SIGN_IN_STATE_INVALID, PROVIDER_REFUSED, PROVIDER_UNAVAILABLE],
    unlink_identity [codes::LAST_WAY_IN, domain::codes::CHANGED_SINCE],
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &[];
