//! What a client needs to know, and where it finds it.

use std::{env, fmt};

use aws::{Connect, ConnectError, FromSecret, Secret, SecretFault, variable};
use reqwest::header::HeaderValue;
use serde::Deserialize;

use crate::http::Limits;

/// KakaoPay's own address.
pub const PRODUCTION: &str = "https://open-api.kakaopay.com";

/// What a client needs to know.
pub struct Config {
    /// KakaoPay's base address.
    pub url: String,
    /// The merchant code.
    pub cid: String,
    /// The secret key.
    pub key: Key,
    /// How long to wait.
    pub limits: Limits,
}

impl Config {
    /// From `KAKAOPAY_URL` ([`PRODUCTION`] if it is not set), `KAKAOPAY_CID` and `KAKAOPAY_SECRET_ID`.
    pub(super) async fn from_env() -> Result<Self, ConnectError> {
        Ok(Self {
            url: env::var("KAKAOPAY_URL").unwrap_or_else(|_| PRODUCTION.to_owned()),
            cid: variable("KAKAOPAY_CID")?,
            key: Key::Secret(Secret::connect().await?),
            limits: Limits::default(),
        })
    }
}

/// The secret key, or where it lies.
pub enum Key {
    /// The key itself.
    Known(String),
    /// A secret, loaded when it is first needed.
    Secret(Secret<Stored>),
}

/// The secret as it lies in Secrets Manager: `{"secretKey": "…"}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    secret_key: String,
}

impl FromSecret for Stored {
    const VARIABLE: &'static str = "KAKAOPAY_SECRET_ID";
}

impl Key {
    pub(super) async fn header(&self) -> Result<HeaderValue, SecretFault> {
        let key = match self {
            Self::Known(key) => key.clone(),
            Self::Secret(secret) => secret.get().await?.secret_key.clone(),
        };
        let mut header = HeaderValue::try_from(format!("SECRET_KEY {key}"))
            .map_err(|_| SecretFault::Unreadable { id: "of KakaoPay".to_owned() })?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
