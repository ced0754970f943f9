//! `GET /v1/auth/{provider}/callback`: whoever comes back from Kakao or Naver is signed in, and signed up if they are new.

use std::{collections::BTreeMap, sync::Arc};

use api::{Answer, Anyone, Call, Context, FieldFaults, Path, Problem, Query};
use aws::{Connect, ConnectError, variable};
use deserr::Deserr;
use domain::{
    id::LinkId,
    member::{Nickname, Provider, Role},
};
use gateways::{
    MailMessage, OAuth, Queue,
    codes::PROVIDER_REFUSED,
    oauth::{Agreed, Someone},
};
use http::header;
use store::{
    Rejected, Store,
    ephemeral::link::Link,
    identity::member::{EmailKey, IdentityKey, Member, Taken},
};
use utoipa::IntoParams;

use crate::{
    access, codes,
    credentials::{
        handshake::{COOKIE, Handshake},
        refresh_token::LIFE,
    },
    limits,
    start_social_sign_in::ProviderPath,
};

/// What the provider adds to the address. It may add more some day, which is nobody's fault.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults)]
#[into_params(parameter_in = Query)]
pub struct Brought {
    /// Proves to the provider that somebody agreed; good once.
    #[deserr(default)]
    code: Option<String>,
    /// What they were sent there with.
    #[deserr(default)]
    state: Option<String>,
    /// Why there is no code.
    #[deserr(default)]
    error: Option<String>,
}

/// The one page where they are sent, whatever the request says.
#[derive(Clone)]
pub struct Landing(Arc<str>);

impl Connect for Landing {
    /// From `SIGNED_IN_URL`.
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self(variable("SIGNED_IN_URL")?.into()))
    }
}

/// Comes back from Kakao or Naver, signed in
///
/// The refresh token comes in the cookie `refresh`, and the browser goes to the page that this installation names, which calls
/// `POST /v1/auth/refresh`. Who comes for the first time becomes a member, with what the provider tells of them. If a member has their
/// verified address already, nothing is made and nothing linked: the page is told so in its fragment, `#code=IDENTITY_NOT_LINKED&link=…`.
#[utoipa::path(get, path = "/v1/auth/{provider}/callback",
    params(ProviderPath, Brought, ("handshake" = Option<String>, Cookie, description = "What the way there began with")),
    responses((status = 302, description = "Signed in, or to be linked", headers(("Location" = String), ("Set-Cookie" = String)))),
)]
pub async fn handle(
    (store, queue, oauth, landing): (Store, Queue<MailMessage>, OAuth, Landing),
    call: Call<Anyone, (Path<ProviderPath>, Query<Brought>)>,
) -> Result<Answer<()>, Problem> {
    let Call { input: (Path(ProviderPath { provider }), Query(brought)), context, .. } = call;
    let now = context.now;
    store.count(limits::FINISH_SOCIAL, &limits::address(&context.address), now).await?;

    let not_theirs = || Problem::new(codes::SIGN_IN_STATE_INVALID);
    let state = brought.state.unwrap_or_default();
    let way = Handshake::among(&context.cookies(COOKIE), provider, &state, now);
    let way = way.ok_or_else(not_theirs)?;
    // Before the provider is asked, which may take a code twice.
    if !store.spend(&state, way.ends()).await? {
        return Err(not_theirs());
    }
    let code = brought.code.filter(|_| brought.error.is_none());
    let code = code.ok_or_else(|| Problem::new(PROVIDER_REFUSED))?;
    let agreed = Agreed { code: &code, state: &state, verifier: &way.verifier(provider) };
    let someone = oauth.who(provider, agreed).await?;

    let Landing(page) = landing;
    match member(&store, provider, someone, &context).await? {
        Known::As(member) => {
            let (token, session) = access::session(&member, &context)?;
            access::begin(&(store, queue), &session, &context).await?;
            Ok(Answer::found(&page).with(header::SET_COOKIE, &token.cookie(LIFE)))
        }
        Known::ByAddress(link) => {
            Ok(Answer::found(&format!("{page}#code=IDENTITY_NOT_LINKED&link={link}")))
        }
    }
}

/// Who it is that a provider tells of.
enum Known {
    /// A member, perhaps a new one.
    As(Box<Member>),
    /// Somebody whose address is a member's: it may be linked.
    ByAddress(LinkId),
}

/// Finds the member, or makes one. The provider's id is who they are; an address that it tells of makes nobody somebody else.
async fn member(
    store: &Store,
    provider: Provider,
    someone: Someone,
    context: &Context,
) -> Result<Known, Problem> {
    let now = context.now;
    let key = IdentityKey { provider: provider.as_str(), id: &someone.id };
    if let Some(member) = store.owner(&key).await? {
        return Ok(Known::As(Box::new(member)));
    }
    let nickname = someone.nickname.map_or_else(made_up, Ok)?;
    let mut member = Member {
        email: someone.email,
        identities: BTreeMap::from([(provider.to_string(), someone.id.clone())]),
        phone: someone.phone,
        ..Member::new(nickname, Role::User, now)
    };
    loop {
        match (store.transact(member.creation()).await, &member.email) {
            (Ok(()), _) => {
                access::remember_device(store, member.id, context).await?;
                return Ok(Known::As(Box::new(member)));
            }
            // They came twice at once.
            (Err(Rejected::Condition(Taken::Identity)), _) => {
                if let Some(member) = store.owner(&key).await? {
                    return Ok(Known::As(Box::new(member)));
                }
            }
            (Err(Rejected::Condition(Taken::Email)), Some(email)) => {
                // It may just have become free.
                let Some(guard) = store.get(&EmailKey(email)).await? else { continue };
                let (link, owner) = (LinkId::generate(), guard.member_id);
                let waiting = Link::waiting(link, provider, someone.id, owner, now);
                store.write(waiting, Taken::Identity).await?;
                return Ok(Known::ByAddress(link));
            }
            // A number can be another's by now; what they don't have is not given.
            (Err(Rejected::Condition(Taken::Phone)), _) if member.phone.is_some() => {
                member.phone = None;
            }
            (Err(refused), _) => return Err(refused.into()),
        }
    }
}

/// A nickname for who has none that can be shown: nobody is without one.
fn made_up() -> Result<Nickname, Problem> {
    let internal = || Problem::new(domain::codes::INTERNAL);
    let number = getrandom::u32().map_err(|_| internal())? % 10_000;
    format!("관객{number:04}").parse().map_err(|_| internal())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{id::MemberId, member::Email, time::Time};
    use gateways::{
        Limits,
        oauth::{Access, App, Apps, Config, Key},
    };
    use http::HeaderValue;
    use serde_json::{Value, json};
    use store::{
        ephemeral::link::LinkKey,
        identity::member::{MemberKey, PhoneKey},
    };
    use tokio::task::JoinSet;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{method, path},
    };

    use super::*;
    use crate::testing::{
        Seen, fresh_email, fresh_phone, queue, request, sign_up, sign_up_body, store,
    };

    const PAGE: &str = "https://stage.kr/welcome";

    /// Both providers, who say this of whoever comes; a code is taken as often as it is brought.
    struct Providers {
        server: MockServer,
        me: Value,
    }

    impl Providers {
        async fn say(me: Value) -> Self {
            let server = MockServer::start().await;
            let ok = |body: &Value| ResponseTemplate::new(200).set_body_json(body);
            let naver = json!({ "resultcode": "00", "message": "success", "response": me });
            let token = json!({ "access_token": "t" });
            for (verb, at, answer) in [
                ("POST", "/oauth/token", &token),
                ("POST", "/oauth2.0/token", &token),
                ("GET", "/v2/user/me", &me),
                ("GET", "/v1/nid/me", &naver),
            ] {
                let mock = Mock::given(method(verb)).and(path(at)).respond_with(ok(answer));
                mock.mount(&server).await;
            }
            Self { server, me }
        }

        fn client(&self) -> OAuth {
            let app = || App { auth_url: self.server.uri(), client_id: "us".into() };
            let (kakao, naver, public_url) = (app(), app(), "https://stage.kr".into());
            let apps = Apps { public_url, kakao, naver };
            let access =
                || Access { api_url: self.server.uri(), secret: Key::Known("hush".into()) };
            let config = Config { apps, kakao: access(), naver: access() };
            OAuth::new(config, Limits::default()).unwrap()
        }

        /// Comes back to us so.
        async fn back(&self, store: Store, way: &Return) -> Seen {
            let clients = (store, queue().await, self.client(), Landing(PAGE.into()));
            Seen::of(handle(clients, way.call()).await)
        }

        async fn asked(&self) -> usize {
            self.server.received_requests().await.unwrap().len()
        }

        /// Whose the identity is that it tells of.
        async fn whose(&self, provider: Provider) -> Option<MemberId> {
            let id =
                self.me["id"].as_str().map_or_else(|| self.me["id"].to_string(), str::to_owned);
            let id = id.parse().unwrap();
            let key = IdentityKey { provider: provider.as_str(), id: &id };
            store().get(&key).await.unwrap().map(|guard| guard.member_id)
        }
    }

    /// A way back, right in all but what a test changes.
    #[derive(Clone)]
    struct Return {
        provider: Provider,
        cookie: Option<String>,
        state: Option<String>,
        code: Option<String>,
        error: Option<String>,
        now: Time,
    }

    impl Return {
        fn of(provider: Provider) -> Self {
            let now = Time::now();
            let way = Handshake::begin(now).unwrap();
            let cookie = way.cookie().split(';').next().unwrap().to_owned();
            let (state, code) = (Some(way.state(provider)), Some("code".into()));
            Self { provider, cookie: Some(cookie), state, code, error: None, now }
        }

        fn call(&self) -> Call<Anyone, (Path<ProviderPath>, Query<Brought>)> {
            let Self { provider, cookie, state, code, error, now } = self.clone();
            let input = (Path(ProviderPath { provider }), Query(Brought { code, state, error }));
            let mut call = request(Anyone, input, now);
            if let Some(cookie) = cookie {
                call.context.headers.insert(header::COOKIE, HeaderValue::try_from(cookie).unwrap());
            }
            call
        }
    }

    /// An id that nobody else has.
    fn fresh_id() -> u64 {
        getrandom::u64().unwrap() >> 1
    }

    async fn stored(id: MemberId) -> Member {
        store().get(&MemberKey(id)).await.unwrap().unwrap()
    }

    #[test]
    fn who_is_new_becomes_a_member_with_what_is_told_and_is_signed_in_each_time() {
        stack::run(async {
            let email = fresh_email();
            let account = json!({
                "profile": { "nickname": "한여름\u{200B} 밤" }, "email": email, "is_email_valid": true, "is_email_verified": true,
            });
            let kakao = Providers::say(json!({ "id": fresh_id(), "kakao_account": account })).await;
            let mut call = Return::of(Provider::Kakao).call();
            let agent = HeaderValue::from_static("Mozilla/5.0 (iPhone) KAKAOTALK 2510");
            call.context.headers.insert(header::USER_AGENT, agent);
            let clients = (store(), queue().await, kakao.client(), Landing(PAGE.into()));
            let seen = Seen::of(handle(clients, call).await);
            assert_eq!(seen.told(), (302, ""));
            assert_eq!(seen.headers["location"], PAGE);
            let cookie = seen.headers[header::SET_COOKIE].to_str().unwrap();
            assert!(
                cookie.ends_with(
                    "; HttpOnly; Secure; SameSite=Strict; Path=/v1/auth; Max-Age=1209600"
                )
            );

            let key = seen.refresh_token().key();
            let session = store().get(&key).await.unwrap().unwrap();
            assert_eq!(session.device.browser.as_deref(), Some("KakaoTalk"));
            let member = stored(key.member_id).await;
            assert_eq!(member.email.as_ref().map(Email::as_str), Some(&*email));
            assert_eq!((member.nickname.as_str(), member.role), ("한여름 밤", Role::User));
            assert_eq!(
                (&member.password_hash, &member.phone, member.birth_date),
                (&None, &None, None)
            );
            assert_eq!(kakao.whose(Provider::Kakao).await, Some(member.id));

            let again = kakao.back(store(), &Return::of(Provider::Kakao)).await;
            assert_eq!(again.refresh_token().key().member_id, member.id);
            assert_eq!(stored(member.id).await, member, "nothing of it is changed");
        });
    }

    #[test]
    fn of_naver_the_phone_number_is_taken_unless_it_is_another_s_and_no_address() {
        stack::run(async {
            let phone = fresh_phone();
            let mut ids = Vec::new();
            for (taken, nickname) in [(false, "별빛"), (true, "\u{3164}")] {
                let id = format!("{}{}", u64::MAX, fresh_id());
                let me = json!({ "id": id, "nickname": nickname, "email": fresh_email(), "mobile": phone });
                let naver = Providers::say(me).await;
                let seen = naver.back(store(), &Return::of(Provider::Naver)).await;
                let member = stored(seen.refresh_token().key().member_id).await;
                assert_eq!(member.identity(Provider::Naver).unwrap().as_str(), id, "to the letter");
                assert_eq!((member.email, member.phone.is_none()), (None, taken));
                let made_up = member.nickname.as_str().strip_prefix("관객");
                let is_number =
                    made_up.is_some_and(|it| it.len() == 4 && it.parse::<u16>().is_ok());
                assert_eq!(is_number, taken, "{}", member.nickname);
                ids.push(member.id);
            }
            let guard = store().get(&PhoneKey(&phone.parse().unwrap())).await.unwrap();
            assert_eq!(guard.unwrap().member_id, ids[0]);
        });
    }

    #[test]
    fn the_same_id_at_two_providers_is_two_people() {
        stack::run(async {
            let id = fresh_id();
            let kakao = Providers::say(json!({ "id": id })).await;
            let naver = Providers::say(json!({ "id": id.to_string() })).await;
            let one = kakao.back(store(), &Return::of(Provider::Kakao)).await;
            let other = naver.back(store(), &Return::of(Provider::Naver)).await;
            let member = |seen: Seen| seen.refresh_token().key().member_id;
            assert_ne!(member(one), member(other));
        });
    }

    #[test]
    fn a_state_that_is_changed_missing_foreign_or_late_leads_nowhere_and_asks_nobody() {
        stack::run(async {
            let kakao = Providers::say(json!({ "id": fresh_id() })).await;
            let (right, attackers) = (Return::of(Provider::Kakao), Return::of(Provider::Kakao));
            let changed = format!("{}x", right.state.as_ref().unwrap());
            for (what, way) in [
                ("changed", Return { state: Some(changed), ..right.clone() }),
                ("empty", Return { state: Some(String::new()), ..right.clone() }),
                ("missing", Return { state: None, ..right.clone() }),
                ("without the cookie", Return { cookie: None, ..right.clone() }),
                // The victim's browser, and all else of the attacker's.
                ("foreign", Return { cookie: right.cookie.clone(), ..attackers.clone() }),
                ("of another's browser", Return { state: right.state.clone(), ..attackers }),
                ("of another provider", Return { provider: Provider::Naver, ..right.clone() }),
                ("late", Return { now: right.now.plus(Duration::from_mins(10)), ..right.clone() }),
                (
                    "an error",
                    Return { state: None, error: Some("access_denied".into()), ..right.clone() },
                ),
            ] {
                let seen = kakao.back(store(), &way).await;
                assert_eq!(seen.told(), (400, "SIGN_IN_STATE_INVALID"), "{what}");
                assert!(!seen.headers.contains_key(header::SET_COOKIE), "{what}");
            }
            assert_eq!((kakao.asked().await, kakao.whose(Provider::Kakao).await), (0, None));
            assert_eq!(kakao.back(store(), &right).await.status, 302, "it is still good");
        });
    }

    #[test]
    fn a_way_back_is_gone_once_even_if_the_provider_would_take_its_code_twice() {
        stack::run(async {
            let kakao = Providers::say(json!({ "id": fresh_id() })).await;
            let way = Return::of(Provider::Kakao);
            let (one, other) = tokio::join!(kakao.back(store(), &way), kakao.back(store(), &way));
            let mut told = [one.told(), other.told()];
            told.sort_unstable();
            assert_eq!(told, [(302, ""), (400, "SIGN_IN_STATE_INVALID")]);
            assert_eq!(kakao.back(store(), &way).await.told(), (400, "SIGN_IN_STATE_INVALID"));

            // Without the condition it is gone as often as one likes.
            let way = Return::of(Provider::Kakao);
            for _ in 0..2 {
                let unguarded = Store::new(stack::without("pk"), stack::prefix());
                assert_eq!(kakao.back(unguarded, &way).await.status, 302);
            }
        });
    }

    #[test]
    fn what_the_provider_refuses_or_does_not_say_is_no_session() {
        stack::run(async {
            let denied = |way: Return| Return { error: Some("access_denied".into()), ..way };
            let without = |way: Return| Return { code: None, ..way };
            let kakao = Providers::say(json!({ "id": fresh_id() })).await;
            for way in [denied(Return::of(Provider::Kakao)), without(Return::of(Provider::Kakao))] {
                let seen = kakao.back(store(), &way).await;
                assert_eq!(seen.told(), (400, "PROVIDER_REFUSED"));
                assert_eq!(kakao.back(store(), &way).await.told(), (400, "SIGN_IN_STATE_INVALID"));
            }
            assert_eq!(kakao.asked().await, 0);

            let nonsense = Providers::say(json!({ "id": "somebody" })).await;
            let seen = nonsense.back(store(), &Return::of(Provider::Kakao)).await;
            assert_eq!(seen.told(), (503, "PROVIDER_UNAVAILABLE"));
            assert!(!seen.headers.contains_key(header::SET_COOKIE));
        });
    }

    /// Somebody who says at Kakao that this address is theirs, verified or not.
    async fn with_address(email: &str, verified: bool) -> Providers {
        let account =
            json!({ "email": email, "is_email_valid": true, "is_email_verified": verified });
        Providers::say(json!({ "id": fresh_id(), "kakao_account": account })).await
    }

    #[test]
    fn an_address_makes_nobody_somebody_else() {
        stack::run(async {
            let email = fresh_email();
            sign_up(sign_up_body(&email)).await;
            let before = crate::testing::stored(&email).await.unwrap();

            let claimed = with_address(&email, false).await;
            let seen = claimed.back(store(), &Return::of(Provider::Kakao)).await;
            let stranger = stored(seen.refresh_token().key().member_id).await;
            assert_ne!(stranger.id, before.id);
            assert_eq!(stranger.email, None, "it is not verified");

            let theirs = with_address(&email.to_uppercase(), true).await;
            let seen = theirs.back(store(), &Return::of(Provider::Kakao)).await;
            let location = seen.headers["location"].to_str().unwrap();
            let told = format!("{PAGE}#code=IDENTITY_NOT_LINKED&link=");
            let link: LinkId = location.strip_prefix(&told).unwrap().parse().unwrap();
            assert!(!seen.headers.contains_key(header::SET_COOKIE));
            assert_eq!(theirs.whose(Provider::Kakao).await, None, "it is not linked");
            assert_eq!(stored(before.id).await, before);
            let link = store().get(&LinkKey(link)).await.unwrap().unwrap();
            assert_eq!((link.provider, link.member_id), (Provider::Kakao, before.id));
            assert_eq!(link.provider_id.as_str(), theirs.me["id"].to_string());
        });
    }

    /// How many members somebody becomes who comes eight times at once.
    async fn race(store: Store) -> usize {
        let email = fresh_email();
        let kakao = Arc::new(with_address(&email, true).await);
        let mut coming = JoinSet::new();
        for _ in 0..8 {
            let (kakao, store) = (kakao.clone(), store.clone());
            coming.spawn(async move { kakao.back(store, &Return::of(Provider::Kakao)).await });
        }
        let all = coming.join_all().await;
        let members = all.iter().map(|seen| seen.refresh_token().key().member_id.to_string());
        members.collect::<std::collections::BTreeSet<_>>().len()
    }

    #[test]
    fn who_comes_many_times_at_once_is_one_member() {
        stack::run(async {
            assert_eq!(race(store()).await, 1);
            let unguarded = || Store::new(stack::without("pk"), stack::prefix());
            let made_more = async || race(unguarded()).await > 1;
            assert!(stack::happens(made_more).await, "without the guards' condition");
        });
    }

    #[test]
    fn a_lost_answer_of_the_database_costs_nothing() {
        stack::run(async {
            for operation in ["UpdateItem", "PutItem", "TransactWriteItems"] {
                let kakao = Providers::say(json!({ "id": fresh_id() })).await;
                let losing = Store::new(stack::losing(operation, 1), stack::prefix());
                let seen = kakao.back(losing, &Return::of(Provider::Kakao)).await;
                let key = seen.refresh_token().key();
                assert_eq!(kakao.whose(Provider::Kakao).await, Some(key.member_id), "{operation}");
                assert!(store().get(&key).await.unwrap().is_some(), "{operation}");
            }
        });
    }

    #[test]
    fn an_address_comes_back_so_often_and_then_waits() {
        stack::run(async {
            let kakao = Providers::say(json!({ "id": fresh_id() })).await;
            let call = Return::of(Provider::Kakao).call();
            let network = limits::address(&call.context.address);
            for _ in 0..limits::FINISH_SOCIAL.limit {
                store().count(limits::FINISH_SOCIAL, &network, call.context.now).await.unwrap();
            }
            let clients = (store(), queue().await, kakao.client(), Landing(PAGE.into()));
            let seen = Seen::of(handle(clients, call).await);
            assert_eq!(seen.told(), (429, "TOO_MANY_REQUESTS"));
            assert_eq!(kakao.asked().await, 0);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let metered = Store::new(client, stack::prefix());
            let email = fresh_email();
            let kakao = with_address(&email, true).await;
            let other = with_address(&email, true).await;
            for (operation, providers) in [
                ("finish_social_sign_in, new", &kakao),
                ("finish_social_sign_in", &kakao),
                ("finish_social_sign_in, to be linked", &other),
            ] {
                let seen = providers.back(metered.clone(), &Return::of(Provider::Kakao)).await;
                assert_eq!(seen.status, 302, "{operation}");
                stack::assert_operation(operation, &meter.take());
            }
        });
    }
}
