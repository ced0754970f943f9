//! How often somebody unknown may knock. Korean carriers put many people behind one address, so an address may do
//! more than one person would.

use std::time::Duration;

use domain::{
    device::{Country, Device},
    member::Email,
    time::Time,
};
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

/// Codes that one address may ask for, at any accounts.
pub const CODE_FROM: Rule = Rule { name: "code_from", limit: 60, window: WINDOW };

/// Codes that may be mailed to one account because one address asks for them.
pub const CODE_TO: Rule = Rule { name: "code_to", limit: 5, window: WINDOW };

/// Codes that may be mailed to one account because anybody asks for them: nobody's mailbox is to be filled. With five tries each
/// that is a hundred guesses a day, of a million.
pub const CODE_TO_FROM_ANYWHERE: Rule =
    Rule { name: "code_anywhere", limit: 20, window: Duration::from_hours(24) };

/// Codes that one address may try.
pub const CODE_TRIED_FROM: Rule = Rule { name: "code_tried_from", limit: 120, window: WINDOW };

/// Guesses at the password of somebody who is signed in: whoever found a device open has no more than these.
pub const PASSWORD_OF: Rule = Rule { name: "password_of", limit: 10, window: WINDOW };

/// Under what attempts at an account are counted, whether there is one or not.
pub fn account(email: &Email) -> String {
    hashed(email.as_str().as_bytes())
}

/// Under what it is known that an account was signed in to with a device.
pub fn device(device: &Device, country: Option<&Country>) -> String {
    hashed(format!("{device:?}{country:?}").as_bytes())
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
    count(store, [SIGN_IN_FROM, SIGN_IN_TO, SIGN_IN_TO_FROM_ANYWHERE], account, network, now).await
}

/// Counts a code that is to be mailed.
///
/// # Errors
/// When there were too many, or the database's trouble.
pub async fn count_code(
    store: &Store,
    account: &str,
    network: &str,
    now: Time,
) -> Result<(), RateFault> {
    count(store, [CODE_FROM, CODE_TO, CODE_TO_FROM_ANYWHERE], account, network, now).await
}

/// Counts what somebody at a network does to an account. Who has signed in from there is stopped by no stranger.
async fn count(
    store: &Store,
    [from, to, anywhere]: [Rule; 3],
    account: &str,
    network: &str,
    now: Time,
) -> Result<(), RateFault> {
    store.count(from, network, now).await?;
    store.count(to, &format!("{account}@{network}"), now).await?;
    match store.count(anywhere, account, now).await {
        Err(RateFault::TooMany { .. }) if store.knows(account, network, now).await? => Ok(()),
        counted => counted,
    }
}
