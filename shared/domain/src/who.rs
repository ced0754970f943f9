//! Who is calling: what a token says, and what a route asks of it.

use crate::{
    codes,
    fault::{Code, Fault},
    id::{MemberId, SessionId},
    member::Role,
};

/// What a token says. Its signature and its time are checked; whether the session has been ended since, nobody has asked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The member.
    pub member_id: MemberId,
    /// The session, one per sign-in.
    pub session_id: SessionId,
    /// The role the member had when the token was made, at most 15 minutes ago.
    pub role: Role,
}

/// What a route asks of its caller. Claims are no such thing: a handler never sees them before the session was checked.
pub trait Who: Sized {
    /// Whether the route looks at tokens at all.
    const READS_TOKEN: bool;
    /// Whether a bad token is as good as none. Elsewhere it is refused even where none is needed: its sender believes to be signed in.
    const FORGIVES_BAD_TOKEN: bool = false;

    /// Says who calls, or why they may not.
    ///
    /// # Errors
    /// Why not.
    fn identify(claims: Option<Claims>) -> Result<Self, NotAllowed>;

    /// Who calls with a token of another kind than a member's, if the route takes such ones and this looks like one.
    fn of_token(_text: &str) -> Option<Self> {
        None
    }
}

/// Everybody; a token is not looked at.
#[derive(Debug, Clone, Copy)]
pub struct Anyone;

impl Who for Anyone {
    const READS_TOKEN: bool = false;

    fn identify(_: Option<Claims>) -> Result<Self, NotAllowed> {
        Ok(Self)
    }
}

/// Somebody, if it is they; whoever else calls is nobody, a bad token or not.
impl<W: Who> Who for Option<W> {
    const READS_TOKEN: bool = true;
    const FORGIVES_BAD_TOKEN: bool = true;

    fn identify(claims: Option<Claims>) -> Result<Self, NotAllowed> {
        Ok(claims.and_then(|claims| W::identify(Some(claims)).ok()))
    }
}

/// Why a caller is turned away before anything is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// The route is for members.
    #[error("the caller is not signed in")]
    SignInRequired,
    /// The route is for artists.
    #[error("the caller is not an artist")]
    ArtistsOnly,
}

impl Fault for NotAllowed {
    fn code(&self) -> Code {
        match self {
            Self::SignInRequired => codes::SIGN_IN_REQUIRED,
            Self::ArtistsOnly => codes::ARTISTS_ONLY,
        }
    }
}
