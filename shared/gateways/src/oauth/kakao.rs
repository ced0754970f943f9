//! Kakao's `/v2/user/me`. Fields that nobody agreed to are absent; unknown ones are ignored.

use domain::member::Nickname;
use serde::Deserialize;

use super::{Cause, Error, Someone};

#[derive(Deserialize)]
pub(super) struct User {
    id: u64,
    #[serde(default)]
    kakao_account: Account,
}

#[derive(Default, Deserialize)]
struct Account {
    profile: Option<Profile>,
    email: Option<String>,
    /// False when another Kakao account has the address by now.
    #[serde(default)]
    is_email_valid: bool,
    #[serde(default)]
    is_email_verified: bool,
}

#[derive(Deserialize)]
struct Profile {
    nickname: Option<String>,
}

impl User {
    pub(super) fn someone(self) -> Result<Someone, Error> {
        let Self { id, kakao_account: account } = self;
        let verified = account.is_email_valid && account.is_email_verified;
        let email = account.email.filter(|_| verified).and_then(|email| email.parse().ok());
        let nickname = account.profile.and_then(|profile| profile.nickname);
        Ok(Someone {
            id: id.to_string().parse().map_err(|_| Error::Unavailable(Cause::Unreadable))?,
            nickname: nickname.and_then(|name| Nickname::shown_of(&name)),
            email,
            phone: None,
        })
    }
}
