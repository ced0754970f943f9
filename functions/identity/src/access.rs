//! What signing in and refreshing share: their clients, and the access token that both answer.

use api::{Context, Problem, SigningKeys};
use aws::{Connect, ConnectError, Secret};
use domain::{device::Country, id::SessionId, time::Time, who::Claims};
use serde::Serialize;
use store::{Store, identity::member::Member};
use utoipa::ToSchema;

use crate::view::MemberView;

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

/// Where a request comes from, as far as CloudFront says, where it stands before the gateway.
pub fn country(context: &Context) -> Option<Country> {
    context.header("CloudFront-Viewer-Country").and_then(|country| country.parse().ok())
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
