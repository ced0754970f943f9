//! What has to be looked at by a given time: the sparse index `due`. It catches what a lost message would leave behind.

use domain::{id::PaymentId, time::Time};
use serde::Deserialize;

use crate::{Index, Query, Store, StoreFault, Table, shard::shard_of};

/// Over how many partitions each kind is spread, so that none limits the sale.
pub const SHARDS: u8 = 16;

const DUE: Index =
    Index { table: Table::Sales, name: Some("due"), partition: "dueKey", sort: "dueAt" };

/// Why a payment is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its hold ends.
    Hold,
    /// KakaoPay has to be asked how it went.
    Reconcile,
    /// It is paid, and KakaoPay is asked each day whether it gave money back that we know nothing of.
    Look,
}

impl Due {
    fn key(self, shard: u8) -> String {
        match self {
            Self::Hold => format!("HOLD#{shard}"),
            Self::Reconcile => format!("RECONCILE#{shard}"),
            Self::Look => format!("LOOK#{shard}"),
        }
    }

    /// The partition of one payment.
    pub(super) fn key_of(self, payment: PaymentId) -> String {
        self.key(shard_of(payment, SHARDS))
    }
}

#[derive(Deserialize)]
struct Entry {
    pk: String,
}

impl Store {
    /// The payments of one shard (0 to 15) that were due by now, the longest waiting first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due(
        &self,
        due: Due,
        shard: u8,
        now: Time,
        limit: u32,
    ) -> Result<Vec<PaymentId>, StoreFault> {
        let query = Query::new(DUE, due.key(shard), limit).at_most(now.millis());
        let entries = self.query::<Entry>(query).await?.items;
        Ok(entries.iter().filter_map(|entry| entry.pk.strip_prefix("PAY#")?.parse().ok()).collect())
    }
}
