//! What this part's tests share: clients with real keys in a real secrets manager, and members of their own.

use std::sync::atomic::{AtomicU32, Ordering};

use api::{Anyone, Call, Claims, Context, Problem, Response, SignedIn};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};
use domain::{id::MemberId, time::Time};
use gateways::{Secrets, secrets::Secret};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use store::{Store, identity::session::SessionKey};
use tokio::sync::OnceCell;

use crate::{access::Clients, credentials::refresh_token::RefreshToken, sign_in, sign_up};

/// Every member's password.
pub const PASSWORD: &str = "보랏빛 무대 뒤의 고양이";

/// A key made for these tests alone.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
     MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgq6Fi4ecinTJ8fukD\n\
     WLaSdgni5HEj9gm5+rDT3UanksyhRANCAATcTlGVSdPVhKqFyK5+HcZMLkLYTem8\n\
     RooTmodxFjb+M5k9mzXJ5vOr63VGBWS+PMSB+qaEWkeAxA0BTI7RVK7J\n\
     -----END PRIVATE KEY-----\n";

pub fn store() -> Store {
    Store::new(stack::dynamo(), stack::prefix())
}

/// A store with this process's signing keys.
pub async fn clients(store: Store) -> Clients {
    static SECRETS: OnceCell<Secrets> = OnceCell::const_new();
    let secret_id = format!("{}/jwt", stack::prefix());
    let make = async || {
        let credentials = Credentials::new("test", "test", None, None, "tests");
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("ap-northeast-2"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(std::env::var("AWS_ENDPOINT_URL").unwrap())
            .build();
        let keys = json!({ "current": { "kid": "test-1", "pem": KEY } }).to_string();
        let manager = aws_sdk_secretsmanager::Client::new(&aws);
        manager.create_secret().name(&secret_id).secret_string(keys).send().await.unwrap();
        Secrets::new(&aws)
    };
    let secrets = SECRETS.get_or_init(make).await.clone();
    Clients { store, keys: Secret::new(secrets, &secret_id) }
}

/// A request of somebody at an address of their own: tests must not use up each other's rates.
pub fn request<Who, Body>(who: Who, body: Body, now: Time) -> Call<Who, Body> {
    let context = Context { address: MemberId::generate().to_string(), ..Context::at(now) };
    Call { who, body, path: api::Nothing {}, query: api::Nothing {}, context }
}

/// The same with the refresh token in its cookie.
pub fn request_with(token: &RefreshToken, now: Time) -> Call {
    let mut request = request(Anyone, api::Nothing {}, now);
    let cookie = token.cookie(std::time::Duration::ZERO);
    let pair = cookie.split(';').next().unwrap();
    request.context.headers.insert(header::COOKIE, HeaderValue::from_str(pair).unwrap());
    request
}

/// A request of the session that a refresh token belongs to. The role is not looked at.
pub fn request_of(key: SessionKey, now: Time) -> Call<SignedIn> {
    let role = domain::member::Role::User;
    let claims = Claims { member_id: key.member_id, session_id: key.session_id, role };
    request(SignedIn(claims), api::Nothing {}, now)
}

/// A body as its endpoint reads it. It must be good.
pub fn read<T: deserr::Deserr<api::FieldFaults>>(body: Value) -> T {
    deserr::deserialize(body).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// What a caller sees of an answer or a refusal.
pub struct Seen {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Value,
}

impl Seen {
    /// An answer or a refusal, with its body.
    pub fn of(answer: Result<impl Into<Response>, Problem>) -> Self {
        let refuse = |problem: Problem| problem.into_response(&Context::at(Time::now()));
        let response = answer.map_or_else(refuse, Into::into);
        let (parts, body) = response.into_parts();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Self { status: parts.status, headers: parts.headers, body }
    }

    /// Its status, and its code when it is a refusal.
    pub fn told(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }

    /// The refresh token that it hands over.
    pub fn refresh_token(&self) -> RefreshToken {
        let cookie = self.headers[header::SET_COOKIE].to_str().unwrap();
        let value = cookie.strip_prefix("refresh=").unwrap().split(';').next().unwrap();
        RefreshToken::read(value).unwrap()
    }
}

/// An address nobody else has.
pub fn fresh_email() -> String {
    format!("{}@example.com", MemberId::generate()).to_lowercase()
}

/// A phone number nobody else has; each process has tables of its own.
pub fn fresh_phone() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("010-0000-{:04}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The body of a sign-up with nothing but what is required.
pub fn sign_up_body(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "nickname": "미나", "role": "USER" })
}

/// Signs up.
pub async fn sign_up(body: Value) -> Seen {
    Seen::of(sign_up::handle(store(), request(Anyone, read(body), Time::now())).await)
}

/// Signs in.
pub async fn sign_in(email: &str, password: &str) -> Seen {
    let body = read(json!({ "email": email, "password": password }));
    let clients = clients(store()).await;
    Seen::of(sign_in::handle(clients, request(Anyone, body, Time::now())).await)
}

/// The refresh token of a new member who has just signed in.
pub async fn signed_in() -> RefreshToken {
    let email = fresh_email();
    assert_eq!(sign_up(sign_up_body(&email)).await.status, StatusCode::CREATED);
    sign_in(&email, PASSWORD).await.refresh_token()
}
