//! What this part's tests share: clients with real keys in a real secrets manager, and members of their own.

use std::sync::atomic::{AtomicU32, Ordering};

use api::{Anyone, Body, Call, Context, Problem, Response, SigningKeys};
use aws::Secret;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use domain::{
    event::Content,
    id::{CodeId, MemberId},
    member::{Email, MailedCode, Role},
    time::Time,
    who::Claims,
};
use gateways::{Files, MailMessage, Message, Queue};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use stack::{OwnBucket, OwnQueue};
use store::{
    Store, Transaction,
    catalog::event::Event,
    ephemeral::code::CodeKey,
    identity::{
        member::{EmailKey, Member, MemberKey},
        session::{SessionKey, SignedIn},
    },
};
use tokio::sync::OnceCell;

use crate::{
    access::Clients, ask_for_code, by_mail, credentials::refresh_token::RefreshToken, export_me,
    get_me, own_data::Wanted, sign_in, sign_up, verify_code, write_export,
};

/// Every member's password.
pub const PASSWORD: &str = "보랏빛 무대 뒤의 고양이";

pub fn store() -> Store {
    Store::new(stack::dynamo(), stack::prefix())
}

/// A store with this process's signing keys.
pub async fn clients(store: Store) -> Clients {
    static SECRET: OnceCell<Secret<SigningKeys>> = OnceCell::const_new();
    let secret_id = format!("{}/jwt", stack::prefix());
    let make = async || {
        let aws = stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap());
        let keys = json!({ "current": { "kid": stack::KEY_ID, "pem": stack::PRIVATE_KEY } });
        let keys = keys.to_string();
        let manager = aws_sdk_secretsmanager::Client::new(&aws);
        manager.create_secret().name(&secret_id).secret_string(keys).send().await.unwrap();
        Secret::new(&aws, &secret_id)
    };
    Clients { store, keys: SECRET.get_or_init(make).await.clone() }
}

/// A queue that nobody reads.
pub async fn queue_of<M: Message>() -> Queue<M> {
    let aws = stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap());
    Queue::new(&aws, OwnQueue::new().await.url)
}

/// A bucket of a test's own.
pub async fn bucket() -> (OwnBucket, Files) {
    let aws = stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap());
    let own = OwnBucket::new().await;
    let files = Files::new(&aws, own.name.clone());
    (own, files)
}

/// A queue of mail that nobody reads.
pub async fn queue() -> Queue<MailMessage> {
    static QUEUE: OnceCell<Queue<MailMessage>> = OnceCell::const_new();
    QUEUE.get_or_init(queue_of).await.clone()
}

/// A store with a queue of mail.
pub async fn mailing(store: Store) -> by_mail::Clients {
    (store, queue().await)
}

/// A request of somebody at an address of their own: tests must not use up each other's rates.
pub fn request<W, I>(who: W, input: I, now: Time) -> Call<W, I> {
    let context = Context { address: MemberId::generate().to_string(), ..Context::at(now) };
    Call { who, input, context }
}

/// The same with the refresh token in its cookie.
pub fn request_with(token: &RefreshToken, now: Time) -> Call {
    let mut request = request(Anyone, (), now);
    let cookie = token.cookie(std::time::Duration::ZERO);
    let pair = cookie.split(';').next().unwrap();
    request.context.headers.insert(header::COOKIE, HeaderValue::from_str(pair).unwrap());
    request
}

/// A request of the session that a refresh token belongs to.
pub fn request_of(key: SessionKey, now: Time) -> Call<SignedIn> {
    let SessionKey { member_id, session_id } = key;
    request(stack::caller(&Claims { member_id, session_id, role: Role::User }), (), now)
}

/// A body as its endpoint reads it. It must be good.
pub fn read<T: deserr::Deserr<api::FieldFaults>>(body: Value) -> Body<T> {
    Body(deserr::deserialize(body).unwrap_or_else(|faults| panic!("{faults:?}")))
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

    /// When the access token is said to end, and when it does, in milliseconds.
    pub fn ends(&self) -> (i64, i64) {
        let told: Time = self.body["expiresAt"].as_str().unwrap().parse().unwrap();
        let claims = self.body["accessToken"].as_str().unwrap().split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&BASE64.decode(claims).unwrap()).unwrap();
        (told.millis(), claims["exp"].as_i64().unwrap() * 1000)
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
    json!({ "email": email, "password": PASSWORD, "nickname": "미나", "role": "USER", "fourteenOrOlder": true })
}

/// Signs up, as far as the code that is mailed.
pub async fn ask_to_sign_up(body: Value) -> Seen {
    let call = request(Anyone, read(body), Time::now());
    Seen::of(sign_up::handle(mailing(store()).await, call).await)
}

/// The body that shows the code that was asked for, which is drawn as the one who mails it does.
pub async fn mailed(asked: &Seen) -> Value {
    let id: CodeId = asked.body["codeId"].as_str().unwrap().parse().unwrap();
    let item = store().get(&CodeKey(id)).await.unwrap().unwrap();
    store().draw_code(&item, &MailedCode::of(48_215), Time::now()).await.unwrap();
    json!({ "codeId": id, "code": "048215" })
}

/// Asks for a code.
pub async fn ask(email: &str, purpose: &str) -> Seen {
    let body = read(json!({ "email": email, "purpose": purpose }));
    let call = request(Anyone, body, Time::now());
    Seen::of(ask_for_code::handle(mailing(store()).await, call).await)
}

/// The body that shows a code for an address.
pub async fn code_for(email: &str, purpose: &str) -> Value {
    mailed(&ask(email, purpose).await).await
}

/// Shows a code.
pub async fn verify(body: Value) -> Seen {
    let call = request(Anyone, read(body), Time::now());
    Seen::of(verify_code::handle(mailing(store()).await, call).await)
}

/// Signs up, and shows the code.
pub async fn sign_up(body: Value) -> Seen {
    verify(mailed(&ask_to_sign_up(body).await).await).await
}

/// The account at an address.
pub async fn stored(email: &str) -> Option<Member> {
    let email: Email = email.parse().unwrap();
    let guard = store().get(&EmailKey(&email)).await.unwrap()?;
    store().get(&MemberKey(guard.member_id)).await.unwrap()
}

/// Signs in.
pub async fn sign_in(email: &str, password: &str) -> Seen {
    sign_in_with(email, password, &[]).await
}

/// Signs in with these headers.
pub async fn sign_in_with(
    email: &str,
    password: &str,
    headers: &[(&'static str, &'static str)],
) -> Seen {
    let body = read(json!({ "email": email, "password": password }));
    let mut call = request(Anyone, body, Time::now());
    for (name, value) in headers {
        call.context.headers.insert(*name, HeaderValue::from_static(value));
    }
    Seen::of(sign_in::handle((clients(store()).await, queue().await), call).await)
}

/// Whether a session's access tokens are taken.
pub async fn is_alive(key: SessionKey) -> bool {
    get_me::handle(store(), request_of(key, Time::now())).await.is_ok()
}

/// The refresh token of a new member who has just signed in.
pub async fn signed_in() -> RefreshToken {
    let email = fresh_email();
    assert_eq!(sign_up(sign_up_body(&email)).await.status, StatusCode::OK);
    sign_in(&email, PASSWORD).await.refresh_token()
}

/// A bucket and a queue of exports of one test's own.
pub struct Exports {
    store: Store,
    files: Files,
    queue: Queue<Wanted>,
    own_queue: OwnQueue,
    pub bucket: OwnBucket,
}

impl Exports {
    pub async fn new(store: Store) -> Self {
        let aws = stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap());
        let (own_queue, (bucket, files)) = (OwnQueue::new().await, bucket().await);
        let queue = Queue::new(&aws, own_queue.url.clone());
        Self { store, files, queue, own_queue, bucket }
    }

    /// An artist with a session and so many events, each of 125 KB.
    pub async fn artist_of(&self, events: usize) -> SessionKey {
        let now = Time::now();
        let claims = stack::sign_in(&store(), Role::Artist, now).await;
        let content: Content = "👨‍👩‍👧‍👦".repeat(5_000).parse().unwrap();
        for _ in 0..events {
            let event = stack::event(50, now);
            let event = Event { artist_id: claims.member_id, content: content.clone(), ..event };
            let all = event.create().into_iter().fold(Transaction::<()>::new(), Transaction::also);
            store().transact(all).await.unwrap();
        }
        SessionKey { member_id: claims.member_id, session_id: claims.session_id }
    }

    /// Asks for an export.
    pub async fn ask(&self, key: SessionKey, now: Time) -> Seen {
        let clients = (self.store.clone(), self.files.clone(), self.queue.clone());
        Seen::of(export_me::handle(clients, request_of(key, now)).await)
    }

    /// What waits to be written, and no longer does.
    pub async fn waiting(&self) -> Vec<Wanted> {
        let taken = self.own_queue.take().await;
        taken.iter().map(|body| serde_json::from_str(body).unwrap()).collect()
    }

    /// Works on a message.
    pub async fn write(&self, wanted: Wanted) {
        write_export::handle((self.store.clone(), self.files.clone()), wanted).await.unwrap();
    }

    /// What was written, if it was.
    pub async fn content(&self, wanted: &Wanted) -> Option<String> {
        self.bucket.read(&wanted.file()).await
    }
}
