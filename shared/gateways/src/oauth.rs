//! Signing in with Kakao or Naver, by OAuth 2.0's authorization code: [`Apps::consent`] is the page where somebody agrees,
//! [`OAuth::who`] changes the code that they bring back for who they are. The wires are described at
//! <https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api> and <https://developers.naver.com/docs/login/api/api.md>.
//!
//! Kakao takes PKCE (its own SDKs send `code_challenge` with `S256`); Naver's documents know none, so it is not sent there, and the
//! code is bound to us by the secret and to a browser by `state` alone.
//!
//! Nothing is repeated, and there is no outcome that matters and that nobody knows: a code whose answer was lost is worth nothing to
//! anybody, and whoever brought it begins anew.

mod config;
mod error;
mod kakao;
mod naver;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use aws::{Connect, ConnectError};
use domain::member::{Email, Nickname, Phone, Provider, ProviderId};
use reqwest::{RequestBuilder, StatusCode, Url};
use serde::{Deserialize, de::DeserializeOwned};
use tracing::{Instrument, Span, field};

use crate::http::{self, Limits, SetupError};
pub use config::{Access, App, Apps, Config, Key, Stored};
pub use error::{Cause, Error};

/// Somebody, as a provider knows them. What it does not tell is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Someone {
    /// Who they are: the one thing that counts.
    pub id: ProviderId,
    /// What they are shown as.
    pub nickname: Option<Nickname>,
    /// An address that the provider says it has verified. Any other is none.
    pub email: Option<Email>,
    /// Their phone number.
    pub phone: Option<Phone>,
}

/// What somebody brings back from the page where they agreed.
#[derive(Clone, Copy)]
pub struct Agreed<'a> {
    /// The code.
    pub code: &'a str,
    /// The `state` that they came with.
    pub state: &'a str,
    /// What the page's challenge was made of.
    pub verifier: &'a str,
}

/// A client. A clone shares its connections.
#[derive(Clone)]
pub struct OAuth {
    http: reqwest::Client,
    config: Arc<Config>,
}

impl Connect for OAuth {
    /// From what [`Apps`] takes, `KAKAO_API_URL`, `NAVER_API_URL`, `KAKAO_SECRET_ID` and `NAVER_SECRET_ID`.
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self::new(Config::from_env().await?, Limits::default())?)
    }
}

impl OAuth {
    /// With this configuration.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(config: Config, limits: Limits) -> Result<Self, SetupError> {
        Ok(Self { http: http::client(limits)?, config: Arc::new(config) })
    }

    /// Who it is that agreed.
    ///
    /// # Errors
    /// Why nobody knows.
    pub async fn who(&self, provider: Provider, agreed: Agreed<'_>) -> Result<Someone, Error> {
        let span = tracing::info_span!(
            "oauth",
            service = provider.as_str(),
            outcome = field::Empty,
            cause = field::Empty,
        );
        async {
            let known = self.known(provider, agreed).await;
            let outcome = match &known {
                Ok(_) => "done",
                Err(Error::Refused(_)) => "refused",
                Err(Error::Unavailable(_)) => "unavailable",
            };
            Span::current().record("outcome", outcome);
            if let Err(error) = &known {
                Span::current().record("cause", field::display(error));
            }
            known
        }
        .instrument(span)
        .await
    }

    async fn known(&self, provider: Provider, agreed: Agreed<'_>) -> Result<Someone, Error> {
        let Config { apps, kakao, naver } = &*self.config;
        let (app, access, paths, proof) = match provider {
            Provider::Kakao => {
                let paths = ("oauth/token", "v2/user/me");
                (&apps.kakao, kakao, paths, ("code_verifier", agreed.verifier))
            }
            Provider::Naver => {
                let paths = ("oauth2.0/token", "v1/nid/me");
                (&apps.naver, naver, paths, ("state", agreed.state))
            }
            Provider::Unknown => return Err(Error::Unavailable(Cause::Misconfigured)),
        };
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", &app.client_id),
            ("client_secret", &access.secret.get().await?),
            ("redirect_uri", &apps.callback(provider)),
            ("code", agreed.code),
            proof,
        ];
        let (token, me) = paths;
        let token = self.token(&format!("{}/{token}", app.auth_url), &form).await?;
        let me = self.http.get(format!("{}/{me}", access.api_url)).bearer_auth(token);
        if provider == Provider::Kakao {
            self.ask::<kakao::User>(me).await?.someone()
        } else {
            self.ask::<naver::Profile>(me).await?.someone()
        }
    }

    async fn token(&self, url: &str, form: &[(&str, &str)]) -> Result<String, Error> {
        match self.ask(self.http.post(url).form(form)).await? {
            Token::Given { access_token } if !access_token.is_empty() => Ok(access_token),
            Token::Given { .. } => Err(Error::Unavailable(Cause::Unreadable)),
            // Naver refuses with 200.
            Token::Refused { error } => Err(error::refused(&error)),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        let broken = |error: reqwest::Error| {
            let cause = if error.is_connect() || error.is_builder() {
                Cause::NoConnection
            } else if error.is_timeout() {
                Cause::TimedOut
            } else {
                Cause::Dropped
            };
            Error::Unavailable(cause)
        };
        let answer = request.send().await.map_err(broken)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(broken)?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|_| Error::Unavailable(Cause::Unreadable));
        }
        if !status.is_client_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Error::Unavailable(Cause::Status(status.as_u16())));
        }
        match serde_json::from_slice(&body) {
            Ok(Token::Refused { error }) => Err(error::refused(&error)),
            _ => Err(Error::Refused(Cause::Status(status.as_u16()))),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Token {
    Given { access_token: String },
    Refused { error: String },
}

impl Apps {
    /// The page where somebody agrees to be told of. `None` if the provider is not offered here.
    pub fn consent(&self, provider: Provider, state: &str, challenge: &str) -> Option<String> {
        let callback = self.callback(provider);
        let (app, path, pkce) = match provider {
            Provider::Kakao => (&self.kakao, "oauth/authorize", true),
            Provider::Naver => (&self.naver, "oauth2.0/authorize", false),
            Provider::Unknown => return None,
        };
        if app.client_id.is_empty() {
            return None;
        }
        let asked = [
            ("response_type", "code"),
            ("client_id", &app.client_id),
            ("redirect_uri", &callback),
            ("state", state),
        ];
        let pkce = [("code_challenge", challenge), ("code_challenge_method", "S256")]
            .into_iter()
            .filter(|_| pkce);
        let url = format!("{}/{path}", app.auth_url);
        Url::parse_with_params(&url, asked.into_iter().chain(pkce)).ok().map(String::from)
    }

    /// Where a provider sends them back to: known to it beforehand, and to no other.
    fn callback(&self, provider: Provider) -> String {
        format!("{}/v1/auth/{provider}/callback", self.public_url)
    }
}
