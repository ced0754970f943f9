//! What a client needs to know, and where it finds it.

use std::env;
use std::fmt;

use reqwest::header::HeaderValue;
use serde::Deserialize;

use crate::http::{Limits, SetupError};
use crate::secrets::{self, Secrets};

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
    pub(super) fn from_env(secrets: Secrets) -> Result<Self, SetupError> {
        let variable = |name| env::var(name).map_err(|_| SetupError::Missing(name));
        Ok(Self {
            url: env::var("KAKAOPAY_URL").unwrap_or_else(|_| PRODUCTION.to_owned()),
            cid: variable("KAKAOPAY_CID")?,
            key: Key::Secret { secrets, id: variable("KAKAOPAY_SECRET_ID")? },
            limits: Limits::default(),
        })
    }
}

/// The secret key, or where it lies.
pub enum Key {
    /// The key itself.
    Known(String),
    /// A secret `{"secretKey": "…"}`, loaded when it is first needed.
    Secret {
        /// Where it is kept.
        secrets: Secrets,
        /// Its name.
        id: String,
    },
}

impl Key {
    pub(super) async fn header(&self) -> Result<HeaderValue, secrets::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Stored {
            secret_key: String,
        }
        let (key, id) = match self {
            Self::Known(key) => (key.clone(), ""),
            Self::Secret { secrets, id } => {
                (secrets.get::<Stored>(id).await?.secret_key.clone(), id.as_str())
            }
        };
        let mut header = HeaderValue::try_from(format!("SECRET_KEY {key}"))
            .map_err(|_| secrets::Error::Unreadable { id: id.to_owned() })?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
