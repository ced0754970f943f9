//! Members, and the guards that make an e-mail address, a phone number or an identity one member's alone.

use std::{collections::BTreeMap, fmt};

use domain::{
    fault::{Code, Fault},
    id::{MailId, MemberId, SessionId},
    member::{BirthDate, Email, Location, Nickname, Phone, Provider, ProviderId, Role},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Key, Rejected, Relaxed, Store, StoreFault, Table, Transaction, Write, codes};

key!(
    /// Where a member stands.
    #[derive(Copy)]
    pub struct MemberKey(id: MemberId) => Member in Identity, pk("MEM#{id}"), sk("MEMBER")
);

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Their id.
    pub id: MemberId,
    /// Where mail reaches them, and what they sign in with. It was verified: who has verified none has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// What they are shown as.
    pub nickname: Nickname,
    /// What they may do.
    pub role: Role,
    /// What their password is checked against; none for who only ever came by a provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<PasswordHash>,
    /// What the providers call them by whom they sign in with. By name, so that a provider that only a newer program knows stays.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identities: BTreeMap<String, ProviderId>,
    /// When they were born, if they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<BirthDate>,
    /// When they declared to be 14 or older, if they did: for who doesn't say when they were born.
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
    /// When all sessions were ended: whichever began under another mark than this is over, however many there are.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub sessions_ended_at: Option<Time>,
    /// The one session that the mark spares: its member was there when the others were ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spared_session: Option<SessionId>,
    /// That they left, if they did. Until everything else of theirs is gone, this and their address are what is left of them: a mail
    /// tells them of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
    /// Rises with each change, and an update checks it.
    pub version: u64,
    /// When they signed up.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    /// When they were changed last.
    #[serde(with = "domain::time::millis")]
    pub updated_at: Time,
}

/// How somebody left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// When.
    #[serde(with = "domain::time::millis")]
    pub at: Time,
    /// The mail that tells them.
    pub mail_id: MailId,
}

/// A password's hash in PHC format, with its salt and parameters. It does not show itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Keeps a hash in PHC format.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The hash, to check a password against.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

key!(
    /// Where it stands whose an e-mail address is.
    #[derive(Copy)]
    pub struct EmailKey<'a>(email: &'a Email) => Guard in Identity, pk("EMAIL#{}", email.as_str()), sk("EMAIL")
);

key!(
    /// Where it stands whose a phone number is.
    #[derive(Copy)]
    pub struct PhoneKey<'a>(phone: &'a Phone) => Guard in Identity, pk("PHONE#{}", phone.as_str()), sk("PHONE")
);

key!(
    /// Where it stands whose an identity at a provider is.
    #[derive(Copy)]
    pub struct IdentityKey<'a> {
        /// The provider's name.
        provider: &'a str,
        /// What it calls them by.
        id: &'a ProviderId,
    } => Guard in Identity, pk("IDN#{provider}#{}", id.as_str()), sk("IDENTITY")
);

/// Whose something is that only one member may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Guard {
    /// The member.
    pub member_id: MemberId,
}

/// What somebody else has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// The e-mail address.
    #[error("the e-mail address is another member's")]
    Email,
    /// The phone number.
    #[error("the phone number is another member's")]
    Phone,
    /// The identity at a provider.
    #[error("the identity is another member's")]
    Identity,
}

impl Fault for Taken {
    fn code(&self) -> Code {
        match self {
            Self::Email => codes::EMAIL_TAKEN,
            Self::Phone => codes::PHONE_TAKEN,
            Self::Identity => codes::IDENTITY_TAKEN,
        }
    }
}

impl MemberKey {
    /// That the member is still there: a guard of what would be of nobody.
    pub fn is_here(&self) -> Write {
        Write::check(self).when_present("pk").when_absent("left")
    }

    /// Ends all sessions that the member has, at once: for whoever changes a password or a role, or deletes the account.
    pub fn ending_sessions(&self, now: Time) -> Write {
        self.marking(now).remove("sparedSession")
    }

    /// Ends all sessions that the member has but one.
    pub(crate) fn ending_other_sessions(&self, spared: SessionId, now: Time) -> Write {
        self.marking(now).set("sparedSession", spared)
    }

    fn marking(&self, now: Time) -> Write {
        Write::update(self).set("sessionsEndedAt", now.millis()).when_present("pk")
    }
}

/// What a member has that nobody else may have: where its guard stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own<'a> {
    Email(EmailKey<'a>),
    Phone(PhoneKey<'a>),
    Identity(IdentityKey<'a>),
}

impl Key for Own<'_> {
    type Item = Guard;
    const TABLE: Table = Table::Identity;

    fn pair(&self) -> (String, String) {
        match self {
            Self::Email(key) => key.pair(),
            Self::Phone(key) => key.pair(),
            Self::Identity(key) => key.pair(),
        }
    }
}

impl Own<'_> {
    fn taken(&self) -> Taken {
        match self {
            Self::Email(_) => Taken::Email,
            Self::Phone(_) => Taken::Phone,
            Self::Identity(_) => Taken::Identity,
        }
    }
}

impl Member {
    /// Whether they are an artist, who has not left.
    pub fn is_artist(&self) -> bool {
        self.role == Role::Artist && self.left.is_none()
    }

    /// Somebody of whom nothing is known yet but what nobody is without.
    pub fn new(nickname: Nickname, role: Role, now: Time) -> Self {
        Self {
            id: MemberId::generate(),
            email: None,
            nickname,
            role,
            password_hash: None,
            identities: BTreeMap::new(),
            birth_date: None,
            declared_of_age_at: None,
            phone: None,
            location: None,
            sessions_ended_at: None,
            spared_session: None,
            left: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Makes the account with all its guards, or nothing of it.
    pub fn creation(&self) -> Transaction<Taken> {
        let guard = Guard { member_id: self.id };
        let guards = self.own().into_iter().fold(Transaction::new(), |creation, own| {
            creation.require(Write::create(&own, &guard), own.taken())
        });
        guards.also(Write::create(&MemberKey(self.id), self))
    }

    /// That they can be reached and are of age, which publishing and buying ask for.
    ///
    /// # Errors
    /// What is still needed.
    pub fn may_deal(&self, now: Time) -> Result<(), Needed> {
        let is_of_age = match self.birth_date {
            Some(born) => born.is_of_age(now.korean_day()),
            None => self.declared_of_age_at.is_some(),
        };
        match &self.email {
            _ if !is_of_age => Err(Needed::Age),
            None => Err(Needed::Email),
            Some(_) => Ok(()),
        }
    }

    /// What they are called by a provider, if they sign in with it.
    pub fn identity(&self, provider: Provider) -> Option<&ProviderId> {
        self.identities.get(provider.as_str())
    }

    /// What is left of them when they leave: all that nobody else may have is free, and all sessions are over.
    pub fn leaving(&self, mail_id: MailId, now: Time) -> Self {
        let (email, role, nickname) = (self.email.clone(), self.role, Nickname::of_nobody());
        Self {
            id: self.id,
            email,
            sessions_ended_at: Some(now),
            left: Some(Left { at: now, mail_id }),
            version: self.version + 1,
            created_at: self.created_at,
            ..Self::new(nickname, role, now)
        }
    }

    /// Identities first: who comes twice at once is told that they are there, not that their address is somebody's.
    fn own(&self) -> Vec<Own<'_>> {
        if self.left.is_some() {
            return Vec::new();
        }
        let identities = self.identities.iter();
        let identities =
            identities.map(|(provider, id)| Own::Identity(IdentityKey { provider, id }));
        let email = self.email.iter().map(|email| Own::Email(EmailKey(email)));
        let phone = self.phone.iter().map(|phone| Own::Phone(PhoneKey(phone)));
        identities.chain(email).chain(phone).collect()
    }
}

/// What a member still has to give before they publish or buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Needed {
    /// Their birth date, or their word that they are 14 or older.
    #[error("nobody knows whether the member is 14")]
    Age,
    /// A verified e-mail address.
    #[error("the member has no e-mail address")]
    Email,
}

impl Fault for Needed {
    fn code(&self) -> Code {
        match self {
            Self::Age => codes::AGE_NEEDED,
            Self::Email => codes::EMAIL_NEEDED,
        }
    }
}

/// Why a member is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// Somebody else has what it would become.
    #[error(transparent)]
    Taken(Taken),
    /// It was changed since it was read.
    #[error("the member was changed since")]
    Since,
}

impl Fault for NotChanged {
    fn code(&self) -> Code {
        match self {
            Self::Taken(taken) => taken.code(),
            Self::Since => domain::codes::CHANGED_SINCE,
        }
    }
}

impl Member {
    /// Makes `after` of what they were, with the guards of what nobody else may have.
    pub fn becoming(&self, after: &Self) -> Transaction<NotChanged> {
        let (had, has) = (self.own(), after.own());
        let mut changing = Transaction::new().require(self.changing_to(after), NotChanged::Since);
        for lost in had.iter().filter(|own| !has.contains(own)) {
            changing = changing.also(Write::delete(lost));
        }
        let guard = Guard { member_id: after.id };
        for new in has.iter().filter(|own| !had.contains(own)) {
            changing = changing.require(Write::create(new, &guard), NotChanged::Taken(new.taken()));
        }
        changing
    }

    fn changing_to(&self, after: &Self) -> Write {
        let write = Write::change(&MemberKey(self.id), self, after);
        write.when("version", Compare::Equal, self.version)
    }

    /// Gives them a new password in place of the one that was read, and ends all sessions but the one to spare.
    pub fn new_password(&self, hash: &PasswordHash, spared: Option<SessionId>, now: Time) -> Write {
        let key = MemberKey(self.id);
        let write = match spared {
            Some(session) => key.ending_other_sessions(session, now),
            None => key.ending_sessions(now),
        };
        let write =
            write.set("passwordHash", hash).set("updatedAt", now.millis()).add("version", 1);
        match &self.password_hash {
            Some(old) => write.when("passwordHash", Compare::Equal, old),
            None => write.when_absent("passwordHash"),
        }
    }
}

impl Store {
    /// What some members are called, at most 100; of who has left, [`Nickname::of_nobody`]. It may be a second old.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn nicknames(
        &self,
        ids: impl IntoIterator<Item = MemberId>,
    ) -> Result<BTreeMap<MemberId, Nickname>, StoreFault> {
        let nobody = |id| (id, Nickname::of_nobody());
        let mut names: BTreeMap<_, _> = ids.into_iter().map(nobody).collect();
        let keys: Vec<_> = names.keys().map(|id| Relaxed(MemberKey(*id))).collect();
        let here = self.list(&keys).await?.into_iter().filter(|member| member.left.is_none());
        names.extend(here.map(|member| (member.id, member.nickname)));
        Ok(names)
    }

    /// The member whose something is that only one member may have.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn owner<K: Key<Item = Guard>>(&self, key: &K) -> Result<Option<Member>, StoreFault> {
        match self.get(key).await? {
            Some(guard) => self.get(&MemberKey(guard.member_id)).await,
            None => Ok(None),
        }
    }

    /// Makes `after` of what a member was, with the guards of what nobody else may have.
    ///
    /// # Errors
    /// [`NotChanged`], or the database's trouble.
    pub async fn change_member(
        &self,
        before: &Member,
        after: &Member,
    ) -> Result<(), Rejected<NotChanged>> {
        if before.own() == after.own() {
            return self.write(before.changing_to(after), NotChanged::Since).await;
        }
        self.transact(before.becoming(after)).await
    }
}
