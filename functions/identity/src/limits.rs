//! How often somebody unknown may knock. Korean carriers put many people behind one address, so an address may do
//! more than one person would.

use std::time::Duration;

use domain::member::Email;
use store::ephemeral::rate::{Rule, hashed};

pub use store::ephemeral::rate::address;

const WINDOW: Duration = Duration::from_mins(10);

/// Accounts that one address may ask for.
pub const SIGN_UP: Rule = Rule { name: "sign_up", limit: 60, window: WINDOW };

/// Attempts from one address, at any accounts.
pub const SIGN_IN_FROM: Rule = Rule { name: "sign_in_from", limit: 120, window: WINDOW };

/// Attempts at one account, from any addresses. A member who is signed in stays so when a stranger uses them up.
pub const SIGN_IN_TO: Rule = Rule { name: "sign_in_to", limit: 20, window: WINDOW };

/// Under what attempts at an account are counted, whether there is one or not.
pub fn account(email: &Email) -> String {
    hashed(email.as_str().as_bytes())
}
