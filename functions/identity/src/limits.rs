//! How often somebody unknown may knock. Korean carriers put many people behind one address, so an address may do
//! more than one person would.

use std::{net::IpAddr, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use domain::member::Email;
use sha2::{Digest, Sha256};
use store::ephemeral::rate::Rule;

const WINDOW: Duration = Duration::from_mins(10);

/// Accounts that one address may ask for.
pub const SIGN_UP: Rule = Rule { name: "sign_up", limit: 60, window: WINDOW };

/// Attempts from one address, at any accounts.
pub const SIGN_IN_FROM: Rule = Rule { name: "sign_in_from", limit: 120, window: WINDOW };

/// Attempts at one account, from any addresses. A member who is signed in stays so when a stranger uses them up.
pub const SIGN_IN_TO: Rule = Rule { name: "sign_in_to", limit: 20, window: WINDOW };

/// Under what a network address is counted. Somebody with IPv6 has all of a /64 to call from.
pub fn address(text: &str) -> String {
    match text.parse() {
        Ok(IpAddr::V6(address)) => hash(&address.octets()[..8]),
        _ => hash(text.as_bytes()),
    }
}

/// Under what attempts at an account are counted, whether there is one or not.
pub fn account(email: &Email) -> String {
    hash(email.as_str().as_bytes())
}

fn hash(bytes: &[u8]) -> String {
    BASE64.encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_an_ipv6_network_counts_as_one_caller() {
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff:1:2:3"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_ne!(address("203.0.113.1"), address("203.0.113.2"));
    }

    #[test]
    fn a_counter_names_nobody() {
        let email = "mina@example.com".parse().unwrap();
        assert!(!account(&email).contains("mina"));
        assert!(!address("203.0.113.1").contains("203"));
    }
}
