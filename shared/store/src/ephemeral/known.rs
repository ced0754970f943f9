//! From where a member has signed in: who comes from there is no stranger, however many strangers try.

use std::time::Duration;

use domain::time::Time;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreFault, Ttl};

/// How long a network is known after the last time.
const MEMORY: Duration = Duration::from_hours(90 * 24);

key!(
    /// Where it stands that an account was signed in to from a network; both are hashed.
    struct KnownKey<'a> {
        /// The account.
        account: &'a str,
        /// The network.
        network: &'a str,
    } => Known in Ephemeral, pk("KNOWN#{account}#{network}"), sk("KNOWN")
);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    expires_at: Ttl,
}

impl Store {
    /// Remembers that somebody signed in to an account from a network.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn remember(
        &self,
        account: &str,
        network: &str,
        now: Time,
    ) -> Result<(), StoreFault> {
        let known = Known { expires_at: Ttl::at(now.plus(MEMORY)) };
        self.put(&KnownKey { account, network }, &known).await
    }

    /// Whether somebody signed in to the account from the network, in the last 90 days.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn knows(&self, account: &str, network: &str, now: Time) -> Result<bool, StoreFault> {
        let known = self.get(&KnownKey { account, network }).await?;
        Ok(known.is_some_and(|known| !known.expires_at.is_past(now)))
    }
}
