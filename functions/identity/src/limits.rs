//! How often somebody unknown may knock. Korean carriers put many people behind one address, so an address may do
//! more than one person would.

use std::time::Duration;

use domain::{member::Email, time::Time};
use store::{
    Store,
    ephemeral::rate::{RateFault, Rule, hashed},
};

pub use store::ephemeral::rate::address;

const WINDOW: Duration = Duration::from_mins(10);

/// Accounts that one address may ask for.
pub const SIGN_UP: Rule = Rule { name: "sign_up", limit: 60, window: WINDOW };

/// Ways to a provider that one address may begin.
pub const START_SOCIAL: Rule = Rule { name: "start_social", limit: 120, window: WINDOW };

/// Ways back from one. Each asks the provider twice.
pub const FINISH_SOCIAL: Rule = Rule { name: "finish_social", limit: 120, window: WINDOW };

/// Attempts from one address, at any accounts.
pub const SIGN_IN_FROM: Rule = Rule { name: "sign_in_from", limit: 120, window: WINDOW };

/// Attempts at one account from one address. Whoever uses them up shuts out nobody but their neighbours.
pub const SIGN_IN_TO: Rule = Rule { name: "sign_in_to", limit: 20, window: WINDOW };

/// Attempts at one account from wherever, against guesses from many addresses. Who has signed in from where they are is not
/// stopped by it: a stranger's guesses must not be the owner's lock.
pub const SIGN_IN_TO_FROM_ANYWHERE: Rule =
    Rule { name: "sign_in_anywhere", limit: 100, window: WINDOW };

/// Under what attempts at an account are counted, whether there is one or not.
pub fn account(email: &Email) -> String {
    hashed(email.as_str().as_bytes())
}

/// Counts an attempt to sign in.
///
/// # Errors
/// When there were too many, or the database's trouble.
pub async fn count_sign_in(
    store: &Store,
    account: &str,
    network: &str,
    now: Time,
) -> Result<(), RateFault> {
    store.count(SIGN_IN_FROM, network, now).await?;
    store.count(SIGN_IN_TO, &format!("{account}@{network}"), now).await?;
    match store.count(SIGN_IN_TO_FROM_ANYWHERE, account, now).await {
        Err(RateFault::TooMany { .. }) if store.knows(account, network, now).await? => Ok(()),
        counted => counted,
    }
}
