//! What tests begin with: somebody who is signed in, an event on sale, keys, a configuration for a server of a test's own.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use domain::{
    device::Device,
    event::{Category, RefundPolicy, Schedule, State},
    id::{EventId, MemberId, SessionId},
    member::Role,
    stock::shards_for,
    time::Time,
    who::{Claims, Who},
};
use serde_json::json;
use store::{
    Store, Transaction, Ttl, Write,
    catalog::event::Event,
    identity::{
        member::{Member, MemberKey, PasswordHash},
        session::{SessionItem, SessionKey},
    },
};
use tokio::sync::OnceCell;

/// The id, the private and the public half of a key that tokens are signed with in tests alone.
pub const KEY_ID: &str = "test-1";
/// The private half, in PKCS #8.
pub const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
     MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgq6Fi4ecinTJ8fukD\n\
     WLaSdgni5HEj9gm5+rDT3UanksyhRANCAATcTlGVSdPVhKqFyK5+HcZMLkLYTem8\n\
     RooTmodxFjb+M5k9mzXJ5vOr63VGBWS+PMSB+qaEWkeAxA0BTI7RVK7J\n\
     -----END PRIVATE KEY-----\n";
/// The public half, as a JSON Web Key Set.
pub const PUBLIC_KEYS: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "test-1", "x": "3E5RlUnT1YSqhciufh3GTC5C2E3pvEaKE5qHcRY2_jM", "y": "mT2bNcnm86vrdUYFZL48xIH6poRaR4DEDQFMjtFUrsk"}]}"#;

/// An artist or a fan who signed up just now.
pub fn member(role: Role, now: Time) -> Member {
    let nickname = "새벽의 기타".parse().expect("a nickname");
    let member = Member::new(nickname, role, now);
    Member {
        email: Some(format!("{}@example.com", member.id).parse().expect("an address")),
        password_hash: Some(PasswordHash::new(String::new())),
        declared_of_age_at: Some(now),
        ..member
    }
}

/// A session of a member that began just now, for a day.
pub fn session(key: &SessionKey, now: Time) -> SessionItem {
    SessionItem {
        id: key.session_id,
        member_id: key.member_id,
        family_hash: "family".into(),
        refresh_hash: "refresh".into(),
        rotation: None,
        begun_after: None,
        device: Device::default(),
        country: None,
        created_at: now,
        ended_at: None,
        expires_at: Ttl::at(now.plus(Duration::from_hours(24))),
    }
}

/// Writes a member with a session, and answers what a token of theirs says.
pub async fn sign_in(store: &Store, role: Role, now: Time) -> Claims {
    let member = member(role, now);
    let claims = Claims { member_id: member.id, session_id: SessionId::generate(), role };
    let key = SessionKey { member_id: claims.member_id, session_id: claims.session_id };
    let signing_in = Transaction::<()>::new()
        .also(Write::create(&MemberKey(member.id), &member))
        .also(Write::create(&key, &session(&key, now)));
    store.transact(signing_in).await.expect("a member and a session");
    claims
}

/// Whom a handler is given for a token that says this.
pub fn caller<W: Who>(claims: &Claims) -> W {
    W::identify(Some(claims.clone())).expect("the route is for them")
}

/// An event that is on sale, with so many seats at 30,000 won, in a month.
pub fn event(capacity: i64, now: Time) -> Event {
    let days = |days: u64| now.plus(Duration::from_hours(24 * days));
    let yesterday = now.minus(Duration::from_hours(24));
    let capacity = capacity.try_into().expect("a capacity");
    Event {
        id: EventId::generate(),
        artist_id: MemberId::generate(),
        artist_nickname: "별빛".parse().expect("a nickname"),
        title: "한여름 밤의 어쿠스틱".parse().expect("a title"),
        place: "홍대 소극장".parse().expect("a place"),
        content: "기타 한 대와 목소리".parse().expect("a content"),
        category: Category::Music,
        capacity,
        price: 30_000.try_into().expect("a price"),
        schedule: Schedule::new(days(30), days(31), yesterday, days(29)).expect("a schedule"),
        refund_policy: RefundPolicy::Standard,
        state: State::Open,
        terms_version: 1,
        shards: u16::try_from(shards_for(capacity.get()).len()).expect("at most 80"),
        version: 1,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}

/// The same, of this artist, and over since two days.
pub fn event_over(artist: &Member, now: Time) -> Event {
    let ago = |days: u64| now.minus(Duration::from_hours(24 * days));
    let schedule = Schedule::new(ago(3), ago(2), ago(9), ago(4)).expect("a schedule");
    let (artist_id, artist_nickname) = (artist.id, artist.nickname.clone());
    Event { artist_id, artist_nickname, schedule, ..event(10, now) }
}

/// The configuration of an AWS client that talks to this address.
pub fn aws(address: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("ap-northeast-2"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(address)
        .build()
}

/// The key of the cursors that this process seals: where it is kept, and under which name.
///
/// # Panics
/// When it can't be kept.
pub async fn cursor_secret() -> (SdkConfig, String) {
    static MADE: OnceCell<()> = OnceCell::const_new();
    let aws = aws(&std::env::var("AWS_ENDPOINT_URL").expect("a stack is running"));
    let id = format!("{}/cursor", crate::prefix());
    let make = async || {
        // 32 bytes of 7, in Base64.
        let keys = json!({ "current": { "key": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc" } });
        let manager = aws_sdk_secretsmanager::Client::new(&aws);
        let made = manager.create_secret().name(&id).secret_string(keys.to_string()).send().await;
        made.expect("a secret is made");
    };
    MADE.get_or_init(make).await;
    (aws, id)
}
