//! Sessions: one per sign-in, with all the refreshes after it. Only hashes of refresh tokens are stored.
//!
//! A handler is given [`SignedIn`] or [`Artist`], which tell nothing, not even whose they are. Only the check opens them
//! ([`Store::session`], [`Store::read_for`]), and what it makes, a [`Session`], nobody else can make: a handler that forgets to
//! ask whether the session lives knows nobody to act for.

use std::ops::Deref;

use domain::{
    device::{Country, Device},
    fault::{Code, Fault},
    id::{MemberId, SessionId},
    member::Role,
    time::Time,
    who::{Claims, NotAllowed, Who},
};
use serde::{Deserialize, Serialize};

use crate::{
    Compare, Index, Keys, Page, Query, Rejected, Start, Store, StoreFault, Table, Ttl, Write,
    codes,
    identity::member::{Member, MemberKey},
};

/// Members: the token of somebody whose session nobody has looked at yet.
#[derive(Clone, Debug)]
pub struct SignedIn(Claims);

impl Who for SignedIn {
    const READS_TOKEN: bool = true;

    fn identify(claims: Option<Claims>) -> Result<Self, NotAllowed> {
        claims.map(Self).ok_or(NotAllowed::SignInRequired)
    }
}

/// Artists: the same, of somebody who was an artist when the token was made. Whoever changes a role ends all sessions with it.
#[derive(Clone, Debug)]
pub struct Artist(SignedIn);

impl Who for Artist {
    const READS_TOKEN: bool = true;

    fn identify(claims: Option<Claims>) -> Result<Self, NotAllowed> {
        let caller = SignedIn::identify(claims)?;
        if caller.0.role == Role::Artist { Ok(Self(caller)) } else { Err(NotAllowed::ArtistsOnly) }
    }
}

impl Deref for Artist {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

impl SignedIn {
    /// Whose it is said to be: for keys that are read together with the session.
    pub(crate) fn member_id(&self) -> MemberId {
        self.0.member_id
    }

    /// Whether it is of this session: whose that is, only who knows it already learns.
    pub fn is_of(&self, session: SessionKey) -> bool {
        self.key() == session
    }

    fn key(&self) -> SessionKey {
        SessionKey { member_id: self.0.member_id, session_id: self.0.session_id }
    }
}

/// Proof that somebody is signed in: made by the check alone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// Whose it is.
    pub member: Member,
}

key!(
    /// Where a session stands.
    #[derive(Copy)]
    pub struct SessionKey {
        /// Whose it is.
        member_id: MemberId,
        /// Its id.
        session_id: SessionId,
    } => SessionItem in Identity, pk("MEM#{member_id}"), sk("SES#{session_id}")
);

/// One signing in, with all the refreshes after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionItem {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub member_id: MemberId,
    /// The hash of the part that all refresh tokens of this session share: it tells an old token from an invented one.
    pub family_hash: String,
    /// The hash of the part that only the refresh token has that is good now.
    pub refresh_hash: String,
    /// How the token before it was replaced; none before the first refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// What its member signed in with.
    #[serde(default)]
    pub device: Device,
    /// Where from, if whatever stands before the gateway said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// What its member's `sessionsEndedAt` was when it began: as soon as that is another, it is over. So no clock decides whether a
    /// session came before the end of all of them or after.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub begun_after: Option<Time>,
    /// When its member signed in.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    /// When it was ended before its time, if it was.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub ended_at: Option<Time>,
    /// When it ends.
    pub expires_at: Ttl,
}

/// How one refresh token took another's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotation {
    /// Random: makes the successor of the token that was replaced, together with that token.
    pub salt: String,
    /// When.
    #[serde(with = "domain::time::millis")]
    pub at: Time,
}

impl SessionItem {
    /// Puts another refresh token in the place of the one that is good now; fails when it is no longer good.
    pub fn rotate(
        &self,
        key: &SessionKey,
        next_hash: &str,
        rotation: &Rotation,
        expires_at: Ttl,
    ) -> Write {
        Write::update(key)
            .set("refreshHash", next_hash)
            .set("rotation", rotation)
            .set("expiresAt", expires_at)
            .when("refreshHash", Compare::Equal, &self.refresh_hash)
            .when_absent("endedAt")
    }
}

impl SessionKey {
    /// Ends the session; fails when there is none, or it has ended.
    fn ending(&self, now: Time) -> Write {
        Write::update(self).set("endedAt", now.millis()).when_present("pk").when_absent("endedAt")
    }
}

/// The token is genuine, but its session is over: signed out, revoked, forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub struct SessionEnded;

impl Fault for SessionEnded {
    fn code(&self) -> Code {
        codes::SESSION_ENDED
    }
}

impl SessionItem {
    /// Whether it is neither over nor ended, by itself or with all of its member's.
    pub fn is_alive(&self, member: &Member, now: Time) -> bool {
        let ended_with_all =
            member.sessions_ended_at != self.begun_after && member.spared_session != Some(self.id);
        let is_over = self.ended_at.is_some() || self.expires_at.is_past(now) || ended_with_all;
        !is_over && member.left.is_none()
    }

    /// When its tokens were last renewed, or made: an access token lasts a quarter of an hour.
    pub fn last_used_at(&self) -> Time {
        self.rotation.as_ref().map_or(self.created_at, |rotation| rotation.at)
    }
}

impl Store {
    /// The caller's session, if it is alive; for routes that read nothing else at the same time.
    ///
    /// # Errors
    /// `SESSION_ENDED`, or the database's trouble.
    pub async fn session(
        &self,
        caller: &SignedIn,
        now: Time,
    ) -> Result<Session, Rejected<SessionEnded>> {
        let (session, ()) = self.read_for(caller, (), now).await?;
        Ok(session)
    }

    /// The caller's session, if it is alive, and in the same call what else the handler needs.
    ///
    /// # Errors
    /// `SESSION_ENDED`, or the database's trouble.
    pub async fn read_for<K: Keys>(
        &self,
        caller: &SignedIn,
        keys: K,
        now: Time,
    ) -> Result<(Session, K::Items), Rejected<SessionEnded>> {
        let own = (caller.key(), MemberKey(caller.member_id()));
        let ((session, member), items) = self.read(&(own, keys)).await?;
        let ended = || Rejected::Condition(SessionEnded);
        let (session, member) = session.zip(member).ok_or_else(ended)?;
        if !session.is_alive(&member, now) {
            return Err(ended());
        }
        Ok((Session { id: session.id, member }, items))
    }

    /// Ends the caller's session, whether it is alive or not.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn sign_out(&self, caller: &SignedIn, now: Time) -> Result<(), StoreFault> {
        self.end_session(caller.key(), now).await?;
        Ok(())
    }

    /// Ends a session, and says whether there is one. One that has ended stays as it is.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn end_session(&self, key: SessionKey, now: Time) -> Result<bool, StoreFault> {
        match self.write_or_find::<SessionKey>(key.ending(now)).await {
            Ok(()) => Ok(true),
            Err(Rejected::Condition(found)) => Ok(found.is_some()),
            Err(Rejected::Store(fault)) => Err(fault),
        }
    }

    /// Ends all sessions of a member but the one that asks.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn end_other_sessions(
        &self,
        session: &Session,
        now: Time,
    ) -> Result<(), Rejected<SessionEnded>> {
        let write = MemberKey(session.member.id).ending_other_sessions(session.id, now);
        self.write(write, SessionEnded).await
    }

    /// The sessions that a member began, the newest first, over or not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sessions_of(
        &self,
        member: MemberId,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<SessionItem>, StoreFault> {
        let query = Query::new(Index::of(Table::Identity), format!("MEM#{member}"), limit)
            .beginning("SES#");
        self.query(query.backwards().after(start)).await
    }
}
