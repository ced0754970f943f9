//! What signing in and refreshing share: their clients, and the access token that both answer.

use api::{Context, Problem, SigningKeys};
use aws::{Connect, ConnectError, Secret};
use domain::{
    device::{Country, Device},
    id::{MemberId, SessionId},
    time::Time,
    who::Claims,
};
use serde::Serialize;
use store::{
    Store, StoreFault, Transaction, Ttl, Write,
    identity::{
        member::Member,
        session::{SessionEnded, SessionItem, SessionKey},
    },
    inbox::mail::{About, Mail},
};
use utoipa::ToSchema;

use crate::{
    by_mail::{self, do_and_tell},
    credentials::refresh_token::{LIFE, RefreshToken},
    limits,
    view::MemberView,
};

/// A session of a member that begins with this request, and its first refresh token. It is not written yet.
///
/// # Errors
/// When the system gives no random bytes.
pub fn session(member: &Member, context: &Context) -> Result<(RefreshToken, SessionItem), Problem> {
    let key = SessionKey { member_id: member.id, session_id: SessionId::generate() };
    let (device, country) = device(context);
    let token = RefreshToken::first(key)?;
    let session = SessionItem {
        id: key.session_id,
        member_id: member.id,
        family_hash: token.family_hash(),
        refresh_hash: token.own_hash(),
        rotation: None,
        device,
        country,
        begun_after: member.sessions_ended_at,
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

/// With what somebody calls, and where from, as far as CloudFront says, where it stands before the gateway.
fn device(context: &Context) -> (Device, Option<Country>) {
    let device = Device::of(context.header("User-Agent").unwrap_or_default());
    let country = context.header("CloudFront-Viewer-Country");
    (device, country.and_then(|country| country.parse().ok()))
}

/// Remembers that a member is somebody with this device: they are not told when they sign in with it.
///
/// # Errors
/// The database's trouble.
pub async fn remember_device(
    store: &Store,
    member_id: MemberId,
    context: &Context,
) -> Result<(), StoreFault> {
    let (device, country) = device(context);
    let device = limits::device(&device, country.as_ref());
    store.remember(&member_id.to_string(), &device, context.now).await
}

/// Begins a session. Its member is told by mail, if they never signed in with the device.
///
/// # Errors
/// The database's or the queue's trouble.
pub async fn begin(
    clients: &by_mail::Clients,
    session: &SessionItem,
    context: &Context,
) -> Result<(), Problem> {
    let (store, member_id, now) = (&clients.0, session.member_id, context.now);
    let key = SessionKey { member_id, session_id: session.id };
    let write = Write::create(&key, session);
    let device = limits::device(&session.device, session.country.as_ref());
    if store.knows(&member_id.to_string(), &device, now).await? {
        store.write(write, SessionEnded).await?;
    } else {
        let (device, country) = (session.device.clone(), session.country.clone());
        let about = About::NewDevice { device, country };
        let mail = Mail::new(member_id, about, context.language, now);
        let beginning = Transaction::new().require(write, SessionEnded);
        do_and_tell(clients, beginning, &mail).await?;
    }
    remember_device(store, member_id, context).await?;
    Ok(())
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
