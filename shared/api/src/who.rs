use domain::{
    fault::Kind,
    id::{MemberId, SessionId},
    member::Role,
    time::Time,
};
use http::{HeaderMap, header};

use crate::{Problem, PublicKeys};

/// Whose session a request carries. The signature is checked; whether the session has been ended
/// since, the store says in the handler's own read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The member.
    pub member_id: MemberId,
    /// The session, one per sign-in.
    pub session_id: SessionId,
    /// The role the member had when the token was made, at most 15 minutes ago.
    pub role: Role,
}

/// What a route asks of its caller.
pub trait Who: Sized {
    /// Whether the route needs the public keys at all.
    const READS_TOKEN: bool;

    /// Says who calls, or why they may not.
    ///
    /// # Errors
    /// `SIGN_IN_REQUIRED` or `TOKEN_INVALID` (401), `ARTISTS_ONLY` (403).
    fn identify(claims: Option<Claims>) -> Result<Self, Problem>;
}

/// Everybody; a token is not looked at.
#[derive(Debug, Clone, Copy)]
pub struct Anyone;

/// Everybody, and members are told apart.
#[derive(Debug, Clone)]
pub struct MaybeSignedIn(pub Option<Claims>);

/// Members.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Claims);

/// Artists.
#[derive(Debug, Clone)]
pub struct Artist(pub Claims);

impl Who for Anyone {
    const READS_TOKEN: bool = false;

    fn identify(_: Option<Claims>) -> Result<Self, Problem> {
        Ok(Self)
    }
}

impl Who for MaybeSignedIn {
    const READS_TOKEN: bool = true;

    fn identify(claims: Option<Claims>) -> Result<Self, Problem> {
        Ok(Self(claims))
    }
}

impl Who for SignedIn {
    const READS_TOKEN: bool = true;

    fn identify(claims: Option<Claims>) -> Result<Self, Problem> {
        let required = || Problem::new(Kind::Unauthenticated, "SIGN_IN_REQUIRED");
        claims.map(Self).ok_or_else(required)
    }
}

impl Who for Artist {
    const READS_TOKEN: bool = true;

    fn identify(claims: Option<Claims>) -> Result<Self, Problem> {
        let SignedIn(claims) = SignedIn::identify(claims)?;
        match claims.role {
            Role::Artist => Ok(Self(claims)),
            _ => Err(Problem::new(Kind::Forbidden, "ARTISTS_ONLY")),
        }
    }
}

/// The claims of the bearer token, if there is one. A bad token is refused even where none is needed:
/// its sender believes to be signed in.
pub(crate) fn claims(
    headers: &HeaderMap,
    keys: &PublicKeys,
    now: Time,
) -> Result<Option<Claims>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let invalid = || Problem::new(Kind::Unauthenticated, "TOKEN_INVALID");
    let (scheme, token) =
        value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(invalid());
    }
    keys.verify(token.trim(), now).map(Some)
}
