//! `GET /v1/auth/{provider}/start`: sends somebody to Kakao or Naver, to say there who they are.

use api::{Answer, Anyone, Call, FieldFaults, Path, Problem, Response, codes::NOT_FOUND};
use deserr::Deserr;
use domain::member::Provider;
use gateways::oauth::Apps;
use http::header;
use serde::Serialize;
use store::Store;
use utoipa::{IntoParams, ToSchema};

use crate::{credentials::handshake::Handshake, limits};

/// Who says who somebody is.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults)]
#[into_params(parameter_in = Path)]
pub struct ProviderPath {
    /// The provider.
    #[param(inline)]
    pub provider: Provider,
}

/// Where to go.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentPage {
    /// The provider's page. The cookie that comes with this answer has to come back with whoever returns from there.
    #[schema(
        example = "https://kauth.kakao.com/oauth/authorize?response_type=code&client_id=4f2a"
    )]
    url: String,
}

/// Goes to Kakao or Naver to sign in
///
/// A browser is sent to the provider's page; who names `application/json` in `Accept` is told its address. Whoever agrees there
/// comes back to the callback, within ten minutes and in the same browser.
#[utoipa::path(get, path = "/v1/auth/{provider}/start", params(ProviderPath), responses(
    (status = 200, description = "Where to go", body = ConsentPage, headers(("Set-Cookie" = String))),
    (status = 302, description = "Go there", headers(("Location" = String), ("Set-Cookie" = String))),
))]
pub async fn handle(
    (store, apps): (Store, Apps),
    call: Call<Anyone, Path<ProviderPath>>,
) -> Result<Response, Problem> {
    let Call { input: Path(ProviderPath { provider }), context, .. } = call;
    let network = limits::address(&context.address);
    store.count(limits::START_SOCIAL, &network, context.now).await?;
    let way = Handshake::begin(context.now)?;
    let page = apps.consent(provider, &way.state(provider), &way.challenge(provider));
    let url = page.ok_or_else(|| Problem::new(NOT_FOUND))?;
    let cookie = way.cookie();
    if context.names_json() {
        return Ok(Answer::ok(ConsentPage { url }).with(header::SET_COOKIE, &cookie).into());
    }
    Ok(Answer::found(&url).with(header::SET_COOKIE, &cookie).into())
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use gateways::oauth::App;
    use http::HeaderValue;

    use super::*;
    use crate::testing::{Seen, request, store};

    fn apps() -> Apps {
        let app = |client_id: &str| App {
            auth_url: "https://auth.kr".into(),
            client_id: client_id.into(),
        };
        Apps { public_url: "https://stage.kr".into(), kakao: app("us"), naver: app("") }
    }

    async fn start(provider: Provider, accept: &'static str) -> Seen {
        let mut call = request(Anyone, Path(ProviderPath { provider }), Time::now());
        call.context.headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        Seen::of(handle((store(), apps()), call).await)
    }

    #[test]
    fn a_browser_is_sent_there_and_a_program_is_told_where_each_with_a_cookie_of_its_own() {
        stack::run(async {
            let browser = start(Provider::Kakao, "text/html,*/*;q=0.8").await;
            let program = start(Provider::Kakao, "application/json").await;
            let anything = start(Provider::Kakao, "*/*").await;
            assert_eq!(
                (browser.status, program.status, anything.status.as_u16()),
                (302.try_into().unwrap(), 200.try_into().unwrap(), 302)
            );
            let sent = browser.headers[header::LOCATION].to_str().unwrap();
            let told = program.body["url"].as_str().unwrap();
            assert_ne!(sent, told, "each has a state of its own");
            for (seen, url) in [(&browser, sent), (&program, told)] {
                assert!(
                    url.starts_with(
                        "https://auth.kr/oauth/authorize?response_type=code&client_id=us&"
                    ),
                    "{url}"
                );
                let cookie = seen.headers[header::SET_COOKIE].to_str().unwrap();
                let secret = cookie.split(['.', ';']).nth(1).unwrap();
                assert!(!url.contains(secret), "the page is not told of the cookie");
            }
        });
    }

    #[test]
    fn who_is_not_offered_is_not_there() {
        stack::run(async {
            assert_eq!(start(Provider::Naver, "*/*").await.told(), (404, "NOT_FOUND"));
        });
    }

    #[test]
    fn an_address_begins_so_often_and_then_waits() {
        stack::run(async {
            let path = Path(ProviderPath { provider: Provider::Kakao });
            let call = request(Anyone, path, Time::now());
            let network = limits::address(&call.context.address);
            for _ in 0..limits::START_SOCIAL.limit {
                store().count(limits::START_SOCIAL, &network, call.context.now).await.unwrap();
            }
            let seen = Seen::of(handle((store(), apps()), call).await);
            assert_eq!(seen.told(), (429, "TOO_MANY_REQUESTS"));
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let path = Path(ProviderPath { provider: Provider::Kakao });
            let metered = Store::new(client, stack::prefix());
            handle((metered, apps()), request(Anyone, path, Time::now())).await.unwrap();
            stack::assert_operation("start_social_sign_in", &meter.take());
        });
    }
}
