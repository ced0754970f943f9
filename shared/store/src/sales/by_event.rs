//! What belongs to an event: the index `byEvent` of its payments and tickets. It names them and no more, so that an entry is
//! written once, whatever becomes of the item. Whoever acts on one has to read the item itself in any case.

use domain::id::MemberId;

use crate::{
    Index, Key, Page, Query, Start, Store, StoreFault, Table, key::Named, shard::shard_of,
};

/// Over how many partitions each kind of an event's items is spread, so that the index never limits a sale. Whoever wants all of
/// them reads all shards.
pub const SHARDS: u8 = 8;

const BY_EVENT: Index =
    Index { table: Table::Sales, name: Some("byEvent"), partition: "eventKey", sort: "memberKey" };

/// The shard of a member: what one has of an event stands together.
pub(super) fn shard_of_member(member_id: MemberId) -> u8 {
    shard_of(member_id, SHARDS)
}

impl Store {
    /// The items that one partition of the index names, at most 100, as they are now. One that can't be read is left out.
    pub(super) async fn of_event<K: Key>(
        &self,
        partition: String,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<K::Item>, StoreFault> {
        let named = Query::new(BY_EVENT, partition, limit).after(start);
        let Page { items: named, next } = self.query::<Named<K>>(named).await?;
        Ok(Page { items: self.list(&named).await?, next })
    }
}
