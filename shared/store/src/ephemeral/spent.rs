//! What is good once.

use domain::time::Time;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreFault, Ttl, Write, was_done};

key!(
    /// Where it stands that something was used.
    struct SpentKey<'a>(what: &'a str) => Spent in Ephemeral, pk("SPENT#{what}"), sk("SPENT")
);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spent {
    expires_at: Ttl,
}

impl Store {
    /// Uses something up that is good once, and until then; says whether it was still good.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn spend(&self, what: &str, until: Time) -> Result<bool, StoreFault> {
        let spent = Spent { expires_at: Ttl::at(until) };
        was_done(self.write(Write::create(&SpentKey(what), &spent), ()).await)
    }
}
