//! The tickets of an event, spread over shards so that buyers don't meet on one item; so is a coupon's quota.

use serde::{Deserialize, Serialize};

/// How many tickets a shard is meant to hold. A small event has one shard, where all its tickets are seen at once.
const TICKETS_PER_SHARD: u32 = 500;

/// One transaction changes all shards when the terms change, and DynamoDB takes at most 100 items in one.
const MAX_SHARDS: u32 = 80;

/// How many tickets each shard starts with.
pub fn shards_for(tickets: u32) -> Vec<u32> {
    evenly(tickets, tickets.div_ceil(TICKETS_PER_SHARD).clamp(1, MAX_SHARDS))
}

/// So many tickets over so many shards: as even as can be, the first ones getting what is left over.
pub fn evenly(tickets: u32, shards: u32) -> Vec<u32> {
    (0..shards).map(|number| tickets / shards + u32::from(number < tickets % shards)).collect()
}

/// A part of an event's stock. Each ticket is free, offered, held or sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which one, from 0.
    pub number: u16,
    /// Tickets that can be bought.
    pub free: u32,
    /// Tickets that are kept for somebody who waited for them.
    #[serde(default)]
    pub offered: u32,
    /// Tickets of purchases that are not paid yet.
    pub held: u32,
    /// Tickets that are paid.
    pub sold: u32,
}

impl Shard {
    /// With so many free tickets, and no other.
    pub const fn of_free(number: u16, free: u32) -> Self {
        Self { number, free, offered: 0, held: 0, sold: 0 }
    }

    /// How many of its tickets somebody has, or is about to have.
    pub const fn taken(&self) -> u32 {
        self.offered + self.held + self.sold
    }
}

/// From which shards to take the tickets, as `(number, how many)`: from a single one if any has enough, looking from the
/// `start`-th on and around; else from the fullest ones together. `None` when the event really has too few.
///
/// `start` is any number; a random one keeps buyers apart.
pub fn take(shards: &[Shard], quantity: u32, start: usize) -> Option<Vec<(u16, u32)>> {
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

/// By how many free tickets each shard grows or shrinks when there are to be `capacity` tickets in all.
///
/// What is new is spread evenly, over as many shards as a new event of that size has if there are fewer; so each that was there has
/// some of it, too. What is to go leaves each shard in proportion to what is free there. `None` when more are taken than there are to be.
pub fn resized(shards: &[Shard], capacity: u32) -> Option<Vec<i64>> {
    let taken: u32 = shards.iter().map(Shard::taken).sum();
    let free: u32 = shards.iter().map(|shard| shard.free).sum();
    let to_be_free = capacity.checked_sub(taken)?;
    if let Some(more) = to_be_free.checked_sub(free) {
        let count = shards_for(capacity).len().max(shards.len()) as u32;
        return Some(evenly(more, count).into_iter().map(i64::from).collect());
    }
    let fewer = free - to_be_free;
    let part = |shard: &Shard| u64::from(shard.free) * u64::from(fewer) / u64::from(free);
    let rounded: u64 = shards.iter().map(part).sum();
    let mut missing = u64::from(fewer) - rounded;
    let loss = |shard: &Shard| {
        let part = part(shard);
        // Each that was rounded down has one more.
        let one = u64::from(missing > 0 && part < u64::from(shard.free));
        missing -= one;
        -((part + one) as i64)
    };
    Some(shards.iter().map(loss).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shards(free: &[u32]) -> Vec<Shard> {
        (0..).zip(free).map(|(number, &free)| Shard::of_free(number, free)).collect()
    }

    #[test]
    fn a_small_event_has_one_shard_and_the_largest_eighty() {
        assert_eq!(shards_for(1), [1]);
        assert_eq!(shards_for(500), [500]);
        assert_eq!(shards_for(501), [251, 250]);
        assert_eq!(shards_for(20_001).len(), 41);
        assert_eq!(shards_for(100_000), [1_250; 80]);
    }

    #[test]
    fn a_single_shard_is_preferred_from_the_start_on_and_around() {
        let shards = shards(&[4, 1, 3, 0]);
        assert_eq!(take(&shards, 3, 1), Some(vec![(2, 3)]));
        assert_eq!(take(&shards, 3, 3), Some(vec![(0, 3)]));
        assert_eq!(take(&shards, 4, usize::MAX), Some(vec![(0, 4)]));
    }

    #[test]
    fn several_shards_give_together_what_none_has_alone() {
        assert_eq!(take(&shards(&[1, 0, 2, 1]), 4, 0), Some(vec![(2, 2), (0, 1), (3, 1)]));
        assert_eq!(take(&shards(&[1, 2]), 4, 0), None);
        assert_eq!(take(&[], 1, 7), None);
    }

    #[test]
    fn a_capacity_grows_over_more_shards_and_shrinks_by_what_is_free() {
        let mut one = shards(&[100]);
        one[0].sold = 400;
        assert_eq!(resized(&one, 500), Some(vec![0]));
        assert_eq!(resized(&one, 1_000), Some(vec![250, 250]));
        assert_eq!(resized(&one, 400), Some(vec![-100]));
        assert_eq!(resized(&one, 399), None, "as many are sold as there were to be");
        assert_eq!(resized(&shards(&[10, 0, 20]), 15), Some(vec![-5, 0, -10]));
        assert_eq!(resized(&shards(&[1, 1, 1]), 2), Some(vec![-1, 0, 0]));
    }

    proptest! {
        #[test]
        fn whatever_the_capacity_becomes_no_shard_owes_a_ticket_and_none_is_lost(
            shards in prop::collection::vec((0..600_u32, 0..4_u32, 0..4_u32, 0..600_u32), 1..=80),
            capacity in 1..=100_000_u32,
        ) {
            let shard = |(number, (free, offered, held, sold))| Shard { number, free, offered, held, sold };
            let shards: Vec<Shard> = (0..).zip(shards).map(shard).collect();
            let taken: u32 = shards.iter().map(Shard::taken).sum();
            let Some(changes) = resized(&shards, capacity) else {
                prop_assert!(taken > capacity);
                return Ok(());
            };
            prop_assert!((shards.len()..=80).contains(&changes.len()));
            let free = (0..).zip(&changes).map(|(at, change): (usize, _)| {
                shards.get(at).map_or(0, |shard| i64::from(shard.free)) + change
            });
            let free: Vec<i64> = free.collect();
            prop_assert!(free.iter().all(|free| *free >= 0));
            prop_assert_eq!(free.iter().sum::<i64>() + i64::from(taken), i64::from(capacity));
            let grows = changes.iter().any(|change| *change > 0);
            prop_assert!(!grows || changes.iter().all(|change| *change >= 0));
        }

        #[test]
        fn shards_are_the_capacity_evenly_spread(tickets in 1..=100_000_u32) {
            let shards = shards_for(tickets);
            prop_assert_eq!(shards.iter().sum::<u32>(), tickets);
            prop_assert!(shards[0] - shards[shards.len() - 1] <= 1);
            prop_assert!((1..=80).contains(&shards.len()));
            prop_assert!(shards[0] <= 500 || shards.len() == 80);
        }

        #[test]
        fn tickets_are_found_exactly_while_there_are_enough(
            free in prop::collection::vec(0..6_u32, 0..80),
            wanted in 1..=4_u32,
            start: usize,
        ) {
            match take(&shards(&free), wanted, start) {
                Some(taken) => {
                    prop_assert_eq!(taken.iter().map(|(_, some)| some).sum::<u32>(), wanted);
                    let mut left = free.clone();
                    for (number, some) in &taken {
                        let left = &mut left[usize::from(*number)];
                        prop_assert!(*some > 0 && *some <= *left, "shard {} oversold", number);
                        *left -= some;
                    }
                    let alone = free.iter().any(|free| *free >= wanted);
                    prop_assert_eq!(taken.len() == 1, alone);
                }
                None => prop_assert!(free.iter().sum::<u32>() < wanted),
            }
        }

        #[test]
        fn buyers_empty_the_house_and_never_more(tickets in 1..=3_000_u32, starts in prop::collection::vec(any::<usize>(), 8)) {
            let mut shards = shards(&shards_for(tickets));
            let mut starts = starts.into_iter().cycle();
            let mut sold = 0;
            while let Some(taken) = take(&shards, 1 + sold % 4, starts.next().unwrap_or(0))
                .or_else(|| take(&shards, 1, 0))
            {
                for (number, some) in taken {
                    let shard = &mut shards[usize::from(number)];
                    (shard.free, shard.sold) = (shard.free - some, shard.sold + some);
                    sold += some;
                }
            }
            prop_assert_eq!(sold, tickets);
        }
    }
}
