//! Sessions: one per sign-in, with all the refreshes after it. Only hashes of refresh tokens are stored.

use domain::{
    fault::{Fault, Kind},
    id::{MemberId, SessionId},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Rejected, Store, Ttl, Write};

key!(
    /// Where a session stands.
    #[derive(Copy)]
    pub struct SessionKey {
        /// Whose it is.
        member_id: MemberId,
        /// Its id.
        session_id: SessionId,
    } => Session in Identity, pk("MEM#{member_id}"), sk("SES#{session_id}")
);

/// One signing in, with all the refreshes after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub member_id: MemberId,
    /// The hash of the part that all refresh tokens of this session share: it tells an old token from an invented one.
    pub family_hash: String,
    /// The hash of the part that only the refresh token has that is good now.
    pub refresh_hash: String,
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

impl Session {
    /// Puts another refresh token in the place of the one that is good now; fails when it is no longer good.
    pub fn rotation(&self, key: &SessionKey, next: &str, expires_at: Ttl) -> Write {
        Write::update(key)
            .set("refreshHash", next)
            .set("expiresAt", expires_at)
            .when("refreshHash", Compare::Equal, &self.refresh_hash)
            .when_absent("endedAt")
    }
}

impl SessionKey {
    /// Ends the session; fails when there is none, or it has ended.
    pub fn ending(&self, now: Time) -> Write {
        Write::update(self).set("endedAt", now.millis()).when_present("pk").when_absent("endedAt")
    }
}

/// The token is genuine, but its session is over: signed out, revoked, forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub struct SessionEnded;

impl Fault for SessionEnded {
    fn kind(&self) -> Kind {
        Kind::Unauthenticated
    }

    fn code(&self) -> &'static str {
        "SESSION_ENDED"
    }
}

/// What a read found at a [`SessionKey`], if the session is alive.
///
/// # Errors
/// [`SessionEnded`].
pub fn alive(found: Option<Session>, now: Time) -> Result<Session, SessionEnded> {
    found
        .filter(|session| session.ended_at.is_none() && !session.expires_at.is_past(now))
        .ok_or(SessionEnded)
}

impl Store {
    /// The session, if it is alive; for routes that read nothing else beside it.
    ///
    /// # Errors
    /// `SESSION_ENDED`, or the database's trouble.
    pub async fn session(
        &self,
        key: SessionKey,
        now: Time,
    ) -> Result<Session, Rejected<SessionEnded>> {
        alive(self.get(&key).await?, now).map_err(Rejected::Condition)
    }
}
