//! What signing in and refreshing share: their clients, and the access token that both answer.

use api::{Claims, Problem, SigningKeys};
use domain::{id::SessionId, time::Time};
use gateways::secrets::Secret;
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
    access_token: String,
    /// How it is carried there: `Bearer`.
    token_type: &'static str,
    /// When the access token ends.
    expires_at: Time,
    /// Who is signed in.
    member: MemberView,
}

impl Clients {
    /// The clients that the environment names.
    ///
    /// # Errors
    /// When a variable is missing.
    pub async fn connect() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self { store: Store::connect().await?, keys: Secret::connect("JWT_SECRET_ID").await? })
    }

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
