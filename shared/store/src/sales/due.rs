//! What has to be looked at by a given time: the sparse index `due`. It catches what a lost message would leave behind.

use std::fmt::Display;

use domain::{
    id::{EventId, MemberId, PaymentId},
    time::Time,
};
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

/// What of waiting lists is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueWaiting {
    /// The list.
    pub event_id: EventId,
    /// Whose offer ends, if it is one.
    pub member_id: Option<MemberId>,
}

/// The partition of a waiting list, by its event, and of an offer, by its member.
pub(super) fn waiting_key(id: impl Display) -> String {
    format!("WAITING#{}", shard_of(id, SHARDS))
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
    sk: String,
}

impl Entry {
    fn payment(&self) -> Option<PaymentId> {
        self.pk.strip_prefix("PAY#")?.parse().ok()
    }

    fn waiting(&self) -> Option<DueWaiting> {
        let (list, offer) = (self.pk.strip_prefix("EVT#"), self.pk.strip_prefix("MEM#"));
        match (list, offer) {
            (Some(event_id), _) => {
                Some(DueWaiting { event_id: event_id.parse().ok()?, member_id: None })
            }
            (_, Some(of)) => {
                let member_id = of.strip_suffix("#WTG")?.parse().ok();
                let event_id = self.sk.strip_prefix("EVT#")?.parse().ok()?;
                Some(DueWaiting { event_id, member_id })
            }
            _ => None,
        }
    }
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
        let entries = self.due_entries(due.key(shard), now, limit).await?;
        Ok(entries.iter().filter_map(Entry::payment).collect())
    }

    /// The same of waiting lists and offers.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due_waiting(
        &self,
        shard: u8,
        now: Time,
        limit: u32,
    ) -> Result<Vec<DueWaiting>, StoreFault> {
        let entries = self.due_entries(format!("WAITING#{shard}"), now, limit).await?;
        Ok(entries.iter().filter_map(Entry::waiting).collect())
    }

    async fn due_entries(
        &self,
        partition: String,
        now: Time,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreFault> {
        let query = Query::new(DUE, partition, limit).at_most(now.millis());
        Ok(self.query(query).await?.items)
    }
}
