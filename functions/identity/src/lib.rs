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
pub mod delete_me;
pub mod end_my_other_sessions;
pub mod end_my_session;
pub mod erase_member;
pub mod export_me;
pub mod finish_social_sign_in;
pub mod get_me;
pub mod limits;
pub mod link_identity;
pub mod list_my_sessions;
pub mod own_data;
pub mod refresh;
pub mod set_email;
pub mod set_password;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod start_social_sign_in;
pub mod unlink_identity;
pub mod verify_code;
pub mod write_export;

use domain::codes::CHANGED_SINCE;
use gateways::codes::{
    FILES_UNAVAILABLE, PROVIDER_REFUSED, PROVIDER_UNAVAILABLE, QUEUE_UNAVAILABLE,
};
use store::codes::{
    CODE_NOT_GOOD, EMAIL_TAKEN, IDENTITY_TAKEN, LIVE_TICKETS, PHONE_TAKEN, RUNNING_EVENTS,
    UNSETTLED_MONEY,
};

api::routes! {
    sign_up [QUEUE_UNAVAILABLE],
    sign_in [codes::WRONG_EMAIL_OR_PASSWORD, QUEUE_UNAVAILABLE],
    refresh [codes::REFRESH_TOKEN_INVALID],
    sign_out,
    ask_for_code [QUEUE_UNAVAILABLE],
    verify_code [CODE_NOT_GOOD, EMAIL_TAKEN, PHONE_TAKEN, QUEUE_UNAVAILABLE],
    set_password [CODE_NOT_GOOD, QUEUE_UNAVAILABLE],
    get_me,
    export_me [FILES_UNAVAILABLE, QUEUE_UNAVAILABLE],
    change_me [PHONE_TAKEN],
    delete_me [
        codes::POINTS_NOT_CONFIRMED,
        CHANGED_SINCE,
        LIVE_TICKETS,
        RUNNING_EVENTS,
        UNSETTLED_MONEY,
        QUEUE_UNAVAILABLE,
    ],
    change_password [codes::SOCIAL_ACCOUNT, codes::WRONG_PASSWORD, QUEUE_UNAVAILABLE],
    set_email [codes::EMAIL_GIVEN, CHANGED_SINCE, CODE_NOT_GOOD, EMAIL_TAKEN],
    list_my_sessions,
    end_my_session [codes::SESSION_NOT_FOUND],
    end_my_other_sessions,
    start_social_sign_in,
    finish_social_sign_in [
        codes::SIGN_IN_STATE_INVALID,
        PROVIDER_REFUSED,
        PROVIDER_UNAVAILABLE,
        QUEUE_UNAVAILABLE,
    ],
    link_identity [
        codes::LINK_NOT_FOUND,
        codes::PROVIDER_LINKED,
        CHANGED_SINCE,
        CODE_NOT_GOOD,
        IDENTITY_TAKEN,
    ],
    unlink_identity [codes::LAST_WAY_IN, CHANGED_SINCE],
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &["erase_member", "write_export"];
