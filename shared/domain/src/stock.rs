//! The tickets of an event, spread over shards so that buyers don't meet on one item.

use serde::{Deserialize, Serialize};

use crate::event::{Capacity, Quantity};

/// How many tickets a shard is meant to hold. A small event has one shard, where all its tickets are seen at once.
const TICKETS_PER_SHARD: u32 = 500;

/// One transaction changes all shards when the terms change, and DynamoDB takes at most 100 items in one.
const MAX_SHARDS: u32 = 40;

/// How many tickets each shard starts with: as even as can be, the first ones getting what is left over.
pub fn shards_for(capacity: Capacity) -> Vec<u32> {
    let tickets = capacity.get();
    let shards = tickets.div_ceil(TICKETS_PER_SHARD).clamp(1, MAX_SHARDS);
    (0..shards).map(|number| tickets / shards + u32::from(number < tickets % shards)).collect()
}

/// A part of an event's stock. Each ticket is free, held or sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which one, from 0.
    pub number: u16,
    /// Tickets that can be bought.
    pub free: u32,
    /// Tickets of purchases that are not paid yet.
    pub held: u32,
    /// Tickets that are paid.
    pub sold: u32,
}

/// From which shards to take the tickets, as `(number, how many)`: from a single one if any has enough, looking from the
/// `start`-th on and around; else from the fullest ones together. `None` when the event really has too few.
///
/// `start` is any number; a random one keeps buyers apart.
pub fn take(shards: &[Shard], quantity: Quantity, start: usize) -> Option<Vec<(u16, u32)>> {
    let quantity = quantity.get();
    let (before, from) = shards.split_at(start.checked_rem(shards.len())?);
    let mut shards = [from, before].concat();
    if let Some(shard) = shards.iter().find(|shard| shard.free >= quantity) {
        return Some(vec![(shard.number, quantity)]);
    }

    shards.sort_by_key(|shard| std::cmp::Reverse(shard.free));
    let mut missing = quantity;
    let mut taken = Vec::new();
    for shard in shards {
        let some = shard.free.min(missing);
        if some == 0 {
            break;
        }
        taken.push((shard.number, some));
        missing -= some;
    }
    (missing == 0).then_some(taken)
}
