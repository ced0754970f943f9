//! Sessions: one per sign-in, with all the refreshes after it. Only hashes of refresh tokens are stored.

use domain::{
    fault::{Fault, Kind},
    id::{MemberId, SessionId},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Key, Table, Ttl};

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey {
    /// Whose it is.
    pub member_id: MemberId,
    /// Its id.
    pub session_id: SessionId,
}

impl Key for SessionKey {
    type Item = Session;
    const TABLE: Table = Table::Identity;

    fn pk(&self) -> String {
        format!("MEM#{}", self.member_id)
    }

    fn sk(&self) -> String {
        format!("SES#{}", self.session_id)
    }
}

/// One signing in, with all the refreshes after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub member_id: MemberId,
    /// The hash of the refresh token that is good now.
    pub refresh_hash: String,
    /// The hashes of those before it: whoever shows one stole it, or was stolen from.
    #[serde(default)]
    pub previous_hashes: Vec<String>,
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
