//! What signing in and refreshing share: their clients, and the access token that both answer.

use api::{Claims, Problem, SigningKeys};
use domain::{id::SessionId, time::Time};
use gateways::Secrets;
use serde::Serialize;
use std::sync::Arc;
use store::{ConnectError, Store, identity::member::Member};
use utoipa::ToSchema;

use crate::view::MemberView;

/// The database, and the keys that access tokens are signed with.
#[derive(Clone)]
pub struct Clients {
    pub(crate) store: Store,
    pub(crate) secrets: Secrets,
    /// The name of the signing keys.
    pub(crate) secret_id: Arc<str>,
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
    pub async fn connect() -> Result<Self, ConnectError> {
        let missing = |_| ConnectError::Missing("JWT_SECRET_ID");
        let secret_id = std::env::var("JWT_SECRET_ID").map_err(missing)?.into();
        Ok(Self { store: Store::connect().await?, secrets: Secrets::connect().await, secret_id })
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
        let keys = self.secrets.get::<SigningKeys>(&self.secret_id).await?;
        let claims = Claims { member_id: member.id, session_id, role: member.role };
        let (access_token, expires_at) = keys.sign(&claims, now)?;
        Ok(Access { access_token, token_type: "Bearer", expires_at, member: member.into() })
    }
}
