//! Accounts and sessions.

mod access;
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
pub mod get_me;
pub mod limits;
pub mod list_my_sessions;
pub mod refresh;
pub mod set_email;
pub mod set_password;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod verify_code;

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
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &[];
