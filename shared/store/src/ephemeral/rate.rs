//! How often somebody may do something. Counted in fixed windows, by one conditional update each.

use std::{net::IpAddr, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use domain::{
    fault::{Code, Fault},
    time::Time,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Compare, Rejected, Store, StoreFault, Ttl, Write, codes};

/// At most so many in each window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is counted: a word of its own.
    pub name: &'static str,
    /// How many are allowed in a window.
    pub limit: u32,
    /// How long a window is.
    pub window: Duration,
}

/// Why something may not be done now.
#[derive(Debug, thiserror::Error)]
pub enum RateFault {
    /// It was done too often.
    #[error("too many in this window")]
    TooMany {
        /// When the window ends.
        retry_after: Duration,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Fault for RateFault {
    fn code(&self) -> Code {
        match self {
            Self::TooMany { .. } => codes::TOO_MANY_REQUESTS,
            Self::Store(fault) => fault.code(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after } => Some(*retry_after),
            Self::Store(fault) => fault.retry_after(),
        }
    }
}

key!(
    /// Where it is counted how often a subject did something in one window.
    struct CounterKey<'a> {
        /// What is counted.
        rule: &'static str,
        /// Who does it.
        subject: &'a str,
        /// The window's number.
        window: i64,
    } => Counter in Ephemeral, pk("RATE#{rule}#{subject}#{window}"), sk("RATE")
);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counter {
    count: u32,
    expires_at: Ttl,
}

/// Under what a network address is counted. Somebody with IPv6 has all of a /64 to call from.
pub fn address(text: &str) -> String {
    match text.parse().map(|address: IpAddr| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => hashed(&address.octets()[..8]),
        Ok(IpAddr::V4(address)) => hashed(address.to_string().as_bytes()),
        Err(_) => hashed(text.as_bytes()),
    }
}

/// Under what somebody is counted whom the counter must not name.
pub fn hashed(subject: &[u8]) -> String {
    BASE64.encode(Sha256::digest(subject))
}

impl Store {
    /// Counts one more for the subject (a member's id, a hashed address), unless there were too many.
    ///
    /// # Errors
    /// [`RateFault::TooMany`] with the time to wait, or the database's trouble.
    pub async fn count(&self, rule: Rule, subject: &str, now: Time) -> Result<(), RateFault> {
        let length = i64::try_from(rule.window.as_millis()).unwrap_or(i64::MAX).max(1);
        let window = now.millis().div_euclid(length);
        let end = Time::from_millis(window.saturating_add(1).saturating_mul(length));
        let write = Write::update(&CounterKey { rule: rule.name, subject, window })
            .add("count", 1)
            .set("expiresAt", Ttl::at(end))
            .when_absent_or("count", Compare::Below, rule.limit);
        self.write(write, ()).await.map_err(|rejected| match rejected {
            Rejected::Condition(()) => RateFault::TooMany { retry_after: now.until(end) },
            Rejected::Store(fault) => fault.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_an_ipv6_network_counts_as_one_caller() {
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff:1:2:3"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_ne!(address("203.0.113.1"), address("203.0.113.2"));
        assert_eq!(address("::ffff:203.0.113.1"), address("203.0.113.1"), "the same one");
        assert_ne!(address("::ffff:203.0.113.1"), address("::ffff:203.0.113.2"));
    }

    #[test]
    fn a_counter_names_nobody() {
        assert!(!hashed(b"mina@example.com").contains("mina"));
        assert!(!address("203.0.113.1").contains("203"));
    }
}
