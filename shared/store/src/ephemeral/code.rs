//! Codes that were asked for by mail: what each is good for, how often it was tried, and an account that waits for it.
//!
//! Whoever asks learns the same of an address that somebody has as of one that nobody has: the item is made either way, and the
//! code itself is drawn by the one who mails it. So there may be none.

use std::time::Duration;

use domain::{
    fault::{Code, Fault},
    id::CodeId,
    language::Language,
    member::{BirthDate, CodePurpose, Email, Location, MailedCode, Nickname, Phone, Role},
    time::Time,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{
    Compare, Rejected, Store, StoreFault, Ttl, Write, codes, ephemeral::rate::hashed,
    identity::member::PasswordHash,
};

/// How long a code is good for once it is mailed, and again once it was found right: so long may the rest take.
pub const LIFE: Duration = Duration::from_mins(5);

/// How long one that was asked for waits to be mailed.
const MEMORY: Duration = Duration::from_hours(1);

/// How often it may be tried.
const TRIES: u32 = 5;

key!(
    /// Where a code stands.
    #[derive(Copy)]
    pub struct CodeKey(id: CodeId) => CodeItem in Ephemeral, pk("CODE#{id}"), sk("CODE")
);

/// A code that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeItem {
    /// Its id: all that whoever asked is told.
    pub id: CodeId,
    /// What it is good for.
    pub purpose: CodePurpose,
    /// Where it is mailed.
    pub email: Email,
    /// In which language.
    pub language: Language,
    /// The account that it makes, if that is what it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// What the code is known by, once it is drawn. Only a hash, so that nobody reads it here in passing; of six digits a hash
    /// keeps no secret from a thief, and five minutes do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// When it is no longer good.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub ends_at: Option<Time>,
    /// How often it was tried.
    #[serde(default)]
    pub tries: u32,
    /// When nobody remembers that it was asked for.
    pub expires_at: Ttl,
}

/// An account that somebody asked for whose address is not proven yet. Nothing of it is anybody's before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// What they will be shown as.
    pub nickname: Nickname,
    /// What they will be able to do.
    pub role: Role,
    /// What their password is checked against.
    pub password_hash: PasswordHash,
    /// When they were born, if they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<BirthDate>,
    /// When they said that they are 14 or older, if they did.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub declared_of_age_at: Option<Time>,
    /// Their phone number, if they gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Where they live, if they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// It is another code, or was tried too often, or is over, or never was: which of these nobody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code is not good")]
pub struct NotGood;

impl Fault for NotGood {
    fn code(&self) -> Code {
        codes::CODE_NOT_GOOD
    }
}

impl CodeItem {
    /// One that nobody has mailed yet.
    pub fn asked(
        purpose: CodePurpose,
        email: Email,
        language: Language,
        account: Option<Account>,
        now: Time,
    ) -> Self {
        let expires_at = Ttl::at(now.plus(MEMORY));
        Self {
            id: CodeId::generate(),
            purpose,
            email,
            language,
            account,
            hash: None,
            ends_at: None,
            tries: 0,
            expires_at,
        }
    }

    fn hash_of(&self, code: &MailedCode) -> String {
        hashed(format!("{}{}", self.id, code.as_str()).as_bytes())
    }

    fn is_right(&self, code: &MailedCode, purpose: Option<CodePurpose>, now: Time) -> bool {
        let given = self.hash_of(code);
        let hash = self.hash.as_deref().unwrap_or_default();
        bool::from(given.as_bytes().ct_eq(hash.as_bytes()))
            && self.ends_at.is_some_and(|end| now < end)
            && !self.expires_at.is_past(now)
            && purpose.is_none_or(|purpose| purpose == self.purpose)
    }

    /// Uses it up, in the transaction that does what it is good for.
    pub fn use_up(&self) -> Write {
        Write::delete(&CodeKey(self.id)).when_present("pk")
    }
}

impl Store {
    /// Remembers that a code was asked for.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn ask_for_code(&self, item: &CodeItem) -> Result<(), StoreFault> {
        self.put(&CodeKey(item.id), item).await
    }

    /// Makes `code` the one that is good; fails when none is wanted any more. What was tried before stays counted: who is mailed
    /// none has no more tries either.
    ///
    /// # Errors
    /// [`NotGood`] when it was used up meanwhile, or the database's trouble.
    pub async fn draw_code(
        &self,
        item: &CodeItem,
        code: &MailedCode,
        now: Time,
    ) -> Result<(), Rejected<NotGood>> {
        let write = Write::update(&CodeKey(item.id))
            .set("hash", item.hash_of(code))
            .set("endsAt", now.plus(LIFE).millis())
            .when_present("pk");
        self.write(write, NotGood).await
    }

    /// What a code is good for, if it is the right one and for this, and was not tried too often. The try is counted before
    /// anybody looks, so that many at once find out no more than five one after the other.
    ///
    /// # Errors
    /// [`NotGood`], or the database's trouble.
    pub async fn try_code(
        &self,
        id: CodeId,
        code: &MailedCode,
        purpose: Option<CodePurpose>,
        now: Time,
    ) -> Result<CodeItem, Rejected<NotGood>> {
        let count = Write::update(&CodeKey(id)).add("tries", 1);
        self.write(count.when("tries", Compare::Below, TRIES), NotGood).await?;
        let item = self.get(&CodeKey(id)).await?;
        item.filter(|item| item.is_right(code, purpose, now)).ok_or(Rejected::Condition(NotGood))
    }

    /// Gives a code that was found right its time again, within the hour after it was asked for, and its tries: what it is good for
    /// is still to be said.
    ///
    /// # Errors
    /// [`NotGood`] when it was used up meanwhile, or the database's trouble.
    pub async fn keep_code(&self, item: &CodeItem, now: Time) -> Result<Time, Rejected<NotGood>> {
        let ends_at = now.plus(LIFE).min(item.expires_at.time());
        let write = Write::update(&CodeKey(item.id)).set("endsAt", ends_at.millis());
        self.write(write.set("tries", 0).when_present("pk"), NotGood).await?;
        Ok(ends_at)
    }
}
