//! Naver's `/v1/nid/me`. Fields that nobody agreed to are absent; unknown ones are ignored.
//!
//! Its `email` is read by nobody: it is whichever address a member has put down for being written to, and the answer does not say
//! that it was ever verified.

use domain::member::Nickname;
use serde::Deserialize;

use super::{Cause, Error, Someone};

#[derive(Deserialize)]
pub(super) struct Profile {
    resultcode: String,
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    id: String,
    nickname: Option<String>,
    mobile: Option<String>,
}

impl Profile {
    pub(super) fn someone(self) -> Result<Someone, Error> {
        let unreadable = || Error::Unavailable(Cause::Unreadable);
        let response = self.response.filter(|_| self.resultcode == "00").ok_or_else(unreadable)?;
        Ok(Someone {
            id: response.id.parse().map_err(|_| unreadable())?,
            nickname: response.nickname.and_then(|name| Nickname::shown_of(&name)),
            email: None,
            phone: response.mobile.and_then(|mobile| mobile.parse().ok()),
        })
    }
}
