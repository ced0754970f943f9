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

/// The same for those behind an address from which the account's owner has signed in: a stranger's asking keeps no owner out, and a
/// neighbour's fills no mailbox.
pub const CODE_TO_FROM_HOME: Rule =
    Rule { name: "code_home", limit: 20, window: Duration::from_hours(24) };

/// Codes that one address may try.
pub const CODE_TRIED_FROM: Rule = Rule { name: "code_tried_from", limit: 120, window: WINDOW };

/// Tries of one member to leave: each looks through all that might keep them.
pub const LEAVE: Rule = Rule { name: "leave", limit: 10, window: WINDOW };

/// Guesses at the password of somebody who is signed in: whoever found a device open has no more than these.
pub const PASSWORD_OF: Rule = Rule { name: "password_of", limit: 10, window: WINDOW };

/// Times that one member is handed all of their own: each reads much.
pub const EXPORT_OF: Rule = Rule { name: "export_of", limit: 10, window: Duration::from_hours(1) };

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
    store.count(SIGN_IN_FROM, network, now).await?;
    store.count(SIGN_IN_TO, &format!("{account}@{network}"), now).await?;
    match store.count(SIGN_IN_TO_FROM_ANYWHERE, account, now).await {
        Err(RateFault::TooMany { .. }) if store.knows(account, network, now).await? => Ok(()),
        counted => counted,
    }
}

/// Counts a code that is to be mailed. Whoever's address has parts behind a `+` has one mailbox.
///
/// # Errors
/// When there were too many, or the database's trouble.
pub async fn count_code(
    store: &Store,
    email: &Email,
    network: &str,
    now: Time,
) -> Result<(), RateFault> {
    let (local, domain) = email.as_str().split_once('@').unwrap_or_default();
    let mailbox = local.split('+').next().unwrap_or_default();
    let mailbox = hashed(format!("{mailbox}@{domain}").as_bytes());
    let from_here = format!("{mailbox}@{network}");
    store.count(CODE_FROM, network, now).await?;
    store.count(CODE_TO, &from_here, now).await?;
    match store.count(CODE_TO_FROM_ANYWHERE, &mailbox, now).await {
        Err(RateFault::TooMany { .. }) if store.knows(&account(email), network, now).await? => {
            store.count(CODE_TO_FROM_HOME, &from_here, now).await
        }
        counted => counted,
    }
}
