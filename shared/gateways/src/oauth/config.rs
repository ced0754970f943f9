//! What a client needs to know, and where it finds it.

use aws::{Connect, ConnectError, Secret, variable};
use serde::Deserialize;

use super::{Cause, Error};

/// How we are known at the providers.
#[derive(Clone, Debug)]
pub struct Apps {
    /// The base of the addresses that they send people back to, without a slash at its end.
    pub public_url: String,
    /// At Kakao.
    pub kakao: App,
    /// At Naver.
    pub naver: App,
}

/// How we are known at one.
#[derive(Clone, Debug)]
pub struct App {
    /// The base address of its pages and tokens.
    pub auth_url: String,
    /// What it calls us; empty where it is not offered.
    pub client_id: String,
}

impl Connect for Apps {
    /// From `PUBLIC_URL`, `KAKAO_AUTH_URL`, `KAKAO_CLIENT_ID`, `NAVER_AUTH_URL` and `NAVER_CLIENT_ID`.
    async fn connect() -> Result<Self, ConnectError> {
        let app = |auth_url, client_id| -> Result<App, ConnectError> {
            Ok(App { auth_url: variable(auth_url)?, client_id: variable(client_id)? })
        };
        Ok(Self {
            public_url: variable("PUBLIC_URL")?,
            kakao: app("KAKAO_AUTH_URL", "KAKAO_CLIENT_ID")?,
            naver: app("NAVER_AUTH_URL", "NAVER_CLIENT_ID")?,
        })
    }
}

/// What a client needs to know.
pub struct Config {
    /// How we are known there.
    pub apps: Apps,
    /// Who tells of people at Kakao.
    pub kakao: Access,
    /// And at Naver.
    pub naver: Access,
}

/// Who tells of people, and what proves that it is us who ask.
pub struct Access {
    /// The base address of the provider's API.
    pub api_url: String,
    /// The client's secret.
    pub secret: Key,
}

impl Config {
    /// From what [`Apps`] takes, `KAKAO_API_URL`, `KAKAO_SECRET_ID`, `NAVER_API_URL` and `NAVER_SECRET_ID`.
    pub(super) async fn from_env() -> Result<Self, ConnectError> {
        let access = |api_url, secret| -> Result<Access, ConnectError> {
            let secret = Key::Secret(Secret::new(aws::config(), &variable(secret)?));
            Ok(Access { api_url: variable(api_url)?, secret })
        };
        Ok(Self {
            apps: Apps::connect().await?,
            kakao: access("KAKAO_API_URL", "KAKAO_SECRET_ID")?,
            naver: access("NAVER_API_URL", "NAVER_SECRET_ID")?,
        })
    }
}

/// A client's secret, or where it lies. It does not show itself: there is no `Debug`.
pub enum Key {
    /// The secret itself.
    Known(String),
    /// Where it lies; it is loaded when it is first needed.
    Secret(Secret<Stored>),
}

/// The secret as it lies in Secrets Manager: `{"clientSecret": "…"}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    client_secret: String,
}

impl Key {
    pub(super) async fn get(&self) -> Result<String, Error> {
        match self {
            Self::Known(secret) => Ok(secret.clone()),
            Self::Secret(stored) => match stored.get().await {
                Ok(stored) => Ok(stored.client_secret.clone()),
                Err(fault) => Err(Error::Unavailable(Cause::Secret(fault))),
            },
        }
    }
}
