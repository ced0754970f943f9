//! The wires, byte for byte, and what each kind of trouble on them becomes.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_string, header, method, path},
};

use super::*;
use crate::http::Limits;

const AGREED: Agreed = Agreed { code: "a code/&", state: "the-state", verifier: "the-verifier" };

fn run<T>(test: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(test)
}

fn apps(url: &str) -> Apps {
    let app = |client_id: &str| App { auth_url: url.to_owned(), client_id: client_id.to_owned() };
    Apps {
        public_url: "https://stage.kr".to_owned(),
        kakao: app("our-kakao"),
        naver: app("our-naver"),
    }
}

/// A client that waits no longer than a test likes to.
fn client(url: &str) -> OAuth {
    let limits = Limits { connect: Duration::from_millis(200), answer: Duration::from_millis(400) };
    let access =
        |secret: &str| Access { api_url: url.to_owned(), secret: Key::Known(secret.to_owned()) };
    let (kakao, naver) = (access("hush-kakao"), access("hush-naver"));
    OAuth::new(Config { apps: apps(url), kakao, naver }, limits).unwrap()
}

fn paths(provider: Provider) -> (&'static str, &'static str) {
    match provider {
        Provider::Kakao => ("/oauth/token", "/v2/user/me"),
        _ => ("/oauth2.0/token", "/v1/nid/me"),
    }
}

/// Somebody whom a provider answers with these.
async fn answered(
    provider: Provider,
    token: ResponseTemplate,
    me: ResponseTemplate,
) -> Result<Someone, Error> {
    let server = MockServer::start().await;
    let (token_path, me_path) = paths(provider);
    Mock::given(method("POST")).and(path(token_path)).respond_with(token).mount(&server).await;
    Mock::given(method("GET")).and(path(me_path)).respond_with(me).mount(&server).await;
    client(&server.uri()).who(provider, AGREED).await
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn token() -> ResponseTemplate {
    ok(
        &json!({ "access_token": "t0ken", "token_type": "bearer", "refresh_token": "r", "expires_in": 21599 }),
    )
}

async fn told(provider: Provider, me: Value) -> Result<Someone, Error> {
    answered(provider, token(), ok(&me)).await
}

#[test]
fn each_provider_is_asked_as_its_documents_say() {
    run(async {
        for (provider, form, me) in [
            (
                Provider::Kakao,
                "grant_type=authorization_code&client_id=our-kakao&client_secret=hush-kakao\
                 &redirect_uri=https%3A%2F%2Fstage.kr%2Fv1%2Fauth%2Fkakao%2Fcallback&code=a+code%2F%26\
                 &code_verifier=the-verifier",
                json!({ "id": 1 }),
            ),
            (
                Provider::Naver,
                "grant_type=authorization_code&client_id=our-naver&client_secret=hush-naver\
                 &redirect_uri=https%3A%2F%2Fstage.kr%2Fv1%2Fauth%2Fnaver%2Fcallback&code=a+code%2F%26\
                 &state=the-state",
                json!({ "resultcode": "00", "message": "success", "response": { "id": "1" } }),
            ),
        ] {
            let server = MockServer::start().await;
            let (token_path, me_path) = paths(provider);
            Mock::given(method("POST"))
                .and(path(token_path))
                .and(header("Content-Type", "application/x-www-form-urlencoded"))
                .and(body_string(form))
                .respond_with(token())
                .expect(1)
                .mount(&server)
                .await;
            Mock::given(method("GET"))
                .and(path(me_path))
                .and(header("Authorization", "Bearer t0ken"))
                .respond_with(ok(&me))
                .expect(1)
                .mount(&server)
                .await;
            let someone = client(&server.uri()).who(provider, AGREED).await.unwrap();
            assert_eq!(someone.id.as_str(), "1");
        }
    });
}

#[test]
fn the_page_to_agree_on_says_who_asks_and_where_to_come_back_to() {
    let asked = |provider| apps("https://auth.kr").consent(provider, "st", "chal").unwrap();
    assert_eq!(
        asked(Provider::Kakao),
        "https://auth.kr/oauth/authorize?response_type=code&client_id=our-kakao\
         &redirect_uri=https%3A%2F%2Fstage.kr%2Fv1%2Fauth%2Fkakao%2Fcallback&state=st\
         &code_challenge=chal&code_challenge_method=S256"
    );
    assert_eq!(
        asked(Provider::Naver),
        "https://auth.kr/oauth2.0/authorize?response_type=code&client_id=our-naver\
         &redirect_uri=https%3A%2F%2Fstage.kr%2Fv1%2Fauth%2Fnaver%2Fcallback&state=st"
    );
    let mut apps = apps("https://auth.kr");
    apps.naver.client_id.clear();
    assert_eq!(apps.consent(Provider::Naver, "st", "chal"), None, "it is not offered");
}

#[test]
fn kakao_s_address_counts_only_if_it_is_valid_and_verified() {
    run(async {
        for (valid, verified, counts) in [
            (json!(true), json!(true), true),
            (json!(true), json!(false), false),
            (json!(false), json!(true), false),
            (json!(true), Value::Null, false),
        ] {
            let mut account = json!({
                "profile": { "nickname": " 별\u{200B}빛 ", "profile_image_url": "http://k.kr/a.png" },
                "email": "Mina@Example.com", "is_email_valid": valid, "has_email": true,
            });
            if !verified.is_null() {
                account["is_email_verified"] = verified;
            }
            let me = json!({ "id": 3054876241_u64, "kakao_account": account, "properties": {} });
            let someone = told(Provider::Kakao, me).await.unwrap();
            assert_eq!(someone.id.as_str(), "3054876241");
            assert_eq!(someone.nickname.unwrap().as_str(), "별빛");
            let email = someone.email.as_ref().map(Email::as_str);
            assert_eq!(email, counts.then_some("mina@example.com"));
        }
    });
}

#[test]
fn naver_s_address_never_counts_and_its_id_is_no_number() {
    run(async {
        let me = |id: Value| {
            let response = json!({
                "id": id, "nickname": "", "email": "mina@naver.com", "mobile": "010-1234-5678", "mobile_e164": "+821012345678",
            });
            json!({ "resultcode": "00", "message": "success", "response": response })
        };
        for id in ["9223372036854775808", "18446744073709551616000", "q1_W-e", "007"] {
            let someone = told(Provider::Naver, me(id.into())).await.unwrap();
            assert_eq!((someone.id.as_str(), someone.email), (id, None));
            assert_eq!(
                (someone.nickname, someone.phone.unwrap().as_str()),
                (None, "010-1234-5678")
            );
        }
        let number = told(Provider::Naver, me(json!(1))).await;
        assert_eq!(number, Err(Error::Unavailable(Cause::Unreadable)));
    });
}

#[test]
fn what_is_not_told_or_makes_no_sense_is_not_there() {
    run(async {
        let bare = told(Provider::Kakao, json!({ "id": 1 })).await.unwrap();
        assert_eq!((bare.nickname, bare.email, bare.phone), (None, None, None));
        let account =
            json!({ "email": "no address", "is_email_valid": true, "is_email_verified": true });
        let odd = told(Provider::Kakao, json!({ "id": 1, "kakao_account": account })).await;
        assert_eq!(odd.unwrap().email, None);
        let response = json!({ "id": "1", "mobile": "+1 555 0100" });
        let odd = told(Provider::Naver, json!({ "resultcode": "00", "response": response })).await;
        assert_eq!(odd.unwrap().phone, None);

        for nonsense in [
            json!({}),
            json!({ "id": "1" }),
            json!({ "id": -1 }),
            json!({ "id": 1.5 }),
            json!({ "id": null }),
        ] {
            let somebody = told(Provider::Kakao, nonsense.clone()).await;
            assert_eq!(somebody, Err(Error::Unavailable(Cause::Unreadable)), "{nonsense}");
        }
        for nonsense in [
            json!({ "resultcode": "00" }),
            json!({ "resultcode": "024", "response": { "id": "1" } }),
            json!({ "resultcode": "00", "response": { "id": "" } }),
            json!({ "resultcode": "00", "response": { "id": "1 2" } }),
        ] {
            let somebody = told(Provider::Naver, nonsense.clone()).await;
            assert_eq!(somebody, Err(Error::Unavailable(Cause::Unreadable)), "{nonsense}");
        }
    });
}

#[test]
fn each_trouble_is_a_refusal_of_the_code_or_the_provider_s_own() {
    run(async {
        let said = |status, body: Value| ResponseTemplate::new(status).set_body_json(body);
        let slow = || token().set_delay(Duration::from_secs(1));
        let code = Error::Refused(Cause::Code);
        let ours = Error::Unavailable(Cause::Misconfigured);
        let unreadable = Error::Unavailable(Cause::Unreadable);
        let down = |status| Error::Unavailable(Cause::Status(status));
        for (answer, error) in [
            (said(400, json!({ "error": "invalid_grant", "error_code": "KOE320" })), code.clone()),
            (said(200, json!({ "error": "invalid_request" })), code),
            (said(401, json!({ "error": "invalid_client", "error_code": "KOE010" })), ours.clone()),
            (said(200, json!({ "error": "unauthorized_client" })), ours),
            (said(404, json!({})), Error::Refused(Cause::Status(404))),
            (said(429, json!({ "error": "slow_down" })), down(429)),
            (said(500, json!({ "error": "invalid_grant" })), down(500)),
            (said(302, json!({})), down(302)),
            (said(200, json!({ "access_token": "" })), unreadable.clone()),
            (said(200, json!({ "token": "t" })), unreadable.clone()),
            (ResponseTemplate::new(200).set_body_string("<html>"), unreadable),
            (slow(), Error::Unavailable(Cause::TimedOut)),
        ] {
            let somebody = answered(Provider::Kakao, answer, ok(&json!({ "id": 1 }))).await;
            assert_eq!(somebody, Err(error));
        }
        for (answer, error) in [
            (said(401, json!({ "code": -401, "msg": "no" })), Error::Refused(Cause::Status(401))),
            (said(503, json!({ "id": 1 })), down(503)),
            (slow(), Error::Unavailable(Cause::TimedOut)),
        ] {
            let somebody = answered(Provider::Kakao, token(), answer).await;
            assert_eq!(somebody, Err(error));
        }
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let somebody = client(&format!("http://{nobody}")).who(Provider::Naver, AGREED).await;
        assert_eq!(somebody, Err(Error::Unavailable(Cause::NoConnection)));
    });
}

#[test]
fn an_error_quotes_nothing_of_what_was_sent_or_answered() {
    run(async {
        let answer = json!({ "error": "a code/&", "error_description": "hush-kakao t0ken" });
        let answer = ResponseTemplate::new(400).set_body_json(answer);
        let error = answered(Provider::Kakao, answer, token()).await.unwrap_err();
        for hidden in ["a code", "hush", "t0ken"] {
            assert!(!format!("{error} {error:?}").contains(hidden), "{error:?}");
        }
    });
}
