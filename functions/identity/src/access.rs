//! What signing in and refreshing share: their clients, and the access token that both answer.

use api::{Context, Problem, SigningKeys};
use aws::{Connect, ConnectError, Secret};
use domain::{
    device::Device,
    id::{MemberId, SessionId},
    time::Time,
    who::Claims,
};
use serde::Serialize;
use store::{
    Store, Ttl,
    identity::{
        member::Member,
        session::{SessionItem, SessionKey},
    },
};
use utoipa::ToSchema;

use crate::{
    credentials::refresh_token::{LIFE, RefreshToken},
    view::MemberView,
};

/// A session of a member that begins with this request, and its first refresh token. It is not written yet.
///
/// # Errors
/// When the system gives no random bytes.
pub fn session(
    member_id: MemberId,
    context: &Context,
) -> Result<(RefreshToken, SessionItem), Problem> {
    let key = SessionKey { member_id, session_id: SessionId::generate() };
    let token = RefreshToken::first(key)?;
    let session = SessionItem {
        id: key.session_id,
        member_id,
        family_hash: token.family_hash(),
        refresh_hash: token.own_hash(),
        rotation: None,
        device: Device::of(context.header("User-Agent").unwrap_or_default()),
        // CloudFront's, where it stands before the gateway.
        country: context
            .header("CloudFront-Viewer-Country")
            .and_then(|country| country.parse().ok()),
        created_at: context.now,
        ended_at: None,
        expires_at: Ttl::at(context.now.plus(LIFE)),
    };
    Ok((token, session))
}

/// The database, and the keys that access tokens are signed with.
#[derive(Clone)]
pub struct Clients {
    pub(crate) store: Store,
    pub(crate) keys: Secret<SigningKeys>,
}

/// A member who is signed in. The refresh token comes beside it, in a cookie.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// What the `Authorization` header carries from now on.
    #[schema(
        example = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtZW1fMDFLQjRaWEozVjhRNVc3TjJNNlQ5UkhDREUifQ.c2lnbmF0dXJl"
    )]
    access_token: String,
    /// How it is carried there: `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// When the access token ends.
    expires_at: Time,
    /// Who is signed in.
    member: MemberView,
}

impl Connect for Clients {
    async fn connect() -> Result<Self, ConnectError> {
        let (store, keys) = <(Store, Secret<SigningKeys>)>::connect().await?;
        Ok(Self { store, keys })
    }
}

impl Clients {
    /// An access token for a session of the member.
    ///
    /// # Errors
    /// When there is no key to sign with.
    pub async fn access(
        &self,
        member: Member,
        session_id: SessionId,
        now: Time,
    ) -> Result<Access, Problem> {
        let keys = self.keys.get().await?;
        let claims = Claims { member_id: member.id, session_id, role: member.role };
        let (access_token, expires_at) = keys.sign(&claims, now)?;
        Ok(Access { access_token, token_type: "Bearer", expires_at, member: member.into() })
    }
}
