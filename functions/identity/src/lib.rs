//! Accounts and sessions.

mod access;
#[cfg(test)]
mod alike;
mod by_mail;
mod codes;
mod credentials;
#[cfg(test)]
mod testing;
mod view;

pub mod ask_for_code;
pub mod change_me;
pub mod change_password;
pub mod end_my_other_sessions;
pub mod end_my_session;
pub mod finish_social_sign_in;
pub mod get_me;
pub mod limits;
pub mod link_identity;
pub mod list_my_sessions;
pub mod refresh;
pub mod set_email;
pub mod set_password;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod start_social_sign_in;
pub mod unlink_identity;
pub mod verify_code;

use gateways::codes::{PROVIDER_REFUSED, PROVIDER_UNAVAILABLE};

api::routes! {
    sign_up,
    sign_in [codes::WRONG_EMAIL_OR_PASSWORD],
    refresh [codes::REFRESH_TOKEN_INVALID],
    sign_out,
    ask_for_code,
    verify_code [store::codes::CODE_NOT_GOOD, store::codes::EMAIL_TAKEN, store::codes::PHONE_TAKEN],
    set_password [store::codes::CODE_NOT_GOOD],
    get_me,
    change_me [store::codes::PHONE_TAKEN],
    change_password [codes::SOCIAL_ACCOUNT, codes::WRONG_PASSWORD],
    set_email [codes::EMAIL_GIVEN, store::codes::CODE_NOT_GOOD, store::codes::EMAIL_TAKEN],
    list_my_sessions,
    end_my_session [codes::SESSION_NOT_FOUND],
    end_my_other_sessions,
    start_social_sign_in,
    finish_social_sign_in [codes::SIGN_IN_STATE_INVALID, PROVIDER_REFUSED, PROVIDER_UNAVAILABLE],
    link_identity [codes::LINK_NOT_FOUND, store::codes::CODE_NOT_GOOD, store::codes::IDENTITY_TAKEN],
    unlink_identity [codes::LAST_WAY_IN, domain::codes::CHANGED_SINCE],
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &[];
