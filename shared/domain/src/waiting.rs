//! The waiting list of an event that is sold out: whom seats that come back are offered to.
//!
//! In the order of joining. A party that the free seats are too few for is passed over, three times at most; then seats are gathered
//! for it, for half of what is left of the sale and a day at most, so that seats don't stay empty because one party is large.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{event::Quantity, id::WaitingId, time::Time};

/// How often a party is passed over before seats are gathered for it.
const PASSED_OVER: usize = 3;

/// How long seats are gathered at most.
const LONGEST_GATHERING: Duration = Duration::from_hours(24);

choice!(
    /// How a place in a waiting list stands.
    State as "WaitingState" {
        /// In the line.
        Waiting = "WAITING",
        /// Seats are kept for its member until the offer ends.
        Offered = "OFFERED",
        /// Its member took what was offered, whether they paid for it in the end or not. It is in the line no more.
        Taken = "TAKEN",
        /// Its member let the offer pass. It is in the line no more.
        Passed = "PASSED",
        /// The sale is over, and with it the line.
        Closed = "CLOSED",
    }
);

/// Somebody in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// Their place: ids sort in the order of joining.
    pub id: WaitingId,
    /// For how many.
    pub quantity: Quantity,
}

/// Whom seats were offered to: of all of them the three places that are furthest back. Whoever waits before one of these was passed
/// over when it was served, so these three say of everybody whether they were passed over three times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Served(Vec<WaitingId>);

impl Served {
    /// With one more.
    pub fn and(&self, id: WaitingId) -> Self {
        let mut places = [self.0.as_slice(), &[id]].concat();
        places.sort_unstable_by(|one, other| other.cmp(one));
        places.truncate(PASSED_OVER);
        Self(places)
    }

    fn have_passed(&self, id: WaitingId) -> bool {
        self.0.iter().filter(|served| **served > id).count() == PASSED_OVER
    }
}

/// For whom seats are gathered, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gathering {
    /// Whose place it is.
    pub id: WaitingId,
    /// Until then nobody behind them is served before they are.
    #[serde(with = "crate::time::millis")]
    pub until: Time,
}

impl Gathering {
    /// One that begins now.
    pub fn beginning(id: WaitingId, sale_ends_at: Time, now: Time) -> Self {
        let half = now.until(sale_ends_at) / 2;
        Self { id, until: now.plus(half.min(LONGEST_GATHERING)) }
    }
}

/// What becomes of free seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// They are offered to this party.
    Offer(Party),
    /// They are kept until there are enough for the one at this place.
    Gather(WaitingId),
    /// All of these want more.
    None,
}

/// Whom so many free seats are offered to, of those who wait, in their order.
pub fn next(
    line: &[Party],
    served: &Served,
    gathering: Option<Gathering>,
    free: u32,
    now: Time,
) -> Next {
    // They come from the front to the back: whoever is before the last had theirs.
    let is_over = |id| gathering.is_some_and(|it| id < it.id || id == it.id && it.until <= now);
    for party in line {
        if party.quantity.get() <= free {
            return Next::Offer(*party);
        }
        if served.have_passed(party.id) && !is_over(party.id) {
            return Next::Gather(party.id);
        }
    }
    Next::None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quantity(number: u32) -> Quantity {
        i64::from(number).try_into().unwrap()
    }

    /// Parties that joined one after the other.
    fn line(quantities: &[u32]) -> Vec<Party> {
        let party = |(at, number): (i64, &u32)| {
            let id = format!("wtg_{:010}{}", at, "0".repeat(16));
            Party { id: id.parse().unwrap(), quantity: quantity(*number) }
        };
        (0..).zip(quantities).map(party).collect()
    }

    fn at(millis: i64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn the_first_is_served_first_and_a_smaller_party_while_too_few_are_free() {
        let (line, none) = (line(&[2, 1, 4]), Served::default());
        assert_eq!(next(&line, &none, None, 2, at(0)), Next::Offer(line[0]));
        assert_eq!(next(&line, &none, None, 1, at(0)), Next::Offer(line[1]));
        assert_eq!(next(&line[2..], &none, None, 3, at(0)), Next::None);
        assert_eq!(next(&[], &none, None, 3, at(0)), Next::None);
    }

    #[test]
    fn who_was_passed_over_three_times_is_waited_for() {
        let line = line(&[4, 1, 1, 1, 1]);
        let mut served = Served::default();
        for passing in &line[1..4] {
            assert_eq!(next(&line, &served, None, 1, at(0)), Next::Offer(line[1]));
            served = served.and(passing.id);
        }
        let left = [line[0], line[4]];
        assert_eq!(next(&left, &served, None, 3, at(0)), Next::Gather(line[0].id));
        assert_eq!(next(&left, &served, None, 4, at(0)), Next::Offer(line[0]));
        // Whoever came after them was passed over by none.
        assert_eq!(next(&[line[4]], &served, None, 0, at(0)), Next::None);
    }

    #[test]
    fn seats_are_gathered_for_half_of_what_is_left_of_the_sale_and_a_day_at_most() {
        let line = line(&[4, 1]);
        let hour = 3_600_000;
        for (left, gathered) in [(2 * hour, hour), (48 * hour, 24 * hour), (100 * hour, 24 * hour)]
        {
            let gathering = Gathering::beginning(line[0].id, at(left), at(0));
            assert_eq!(gathering.until, at(gathered));
        }
        let served = (5..8).fold(Served::default(), |served, _| served.and(WaitingId::generate()));
        let gathering = Some(Gathering { id: line[0].id, until: at(10) });
        assert_eq!(next(&line, &served, gathering, 1, at(9)), Next::Gather(line[0].id));
        assert_eq!(next(&line, &served, gathering, 1, at(10)), Next::Offer(line[1]));
        assert_eq!(next(&line, &served, gathering, 4, at(10)), Next::Offer(line[0]));
    }

    #[test]
    fn two_large_parties_are_gathered_for_one_after_the_other_and_then_others_are_served() {
        let line = line(&[4, 3, 1]);
        let served = (5..8).fold(Served::default(), |served, _| served.and(WaitingId::generate()));
        let over = |id| Some(Gathering { id, until: at(10) });
        assert_eq!(next(&line, &served, over(line[0].id), 1, at(10)), Next::Gather(line[1].id));
        assert_eq!(next(&line, &served, over(line[1].id), 1, at(9)), Next::Gather(line[1].id));
        assert_eq!(next(&line, &served, over(line[1].id), 1, at(10)), Next::Offer(line[2]));
    }

    proptest! {
        /// Seats come back a few at a time; each party is served once, and nobody is passed over more than three times.
        #[test]
        fn nobody_is_skipped_and_nobody_is_passed_over_a_fourth_time(
            quantities in prop::collection::vec(1..=4_u32, 1..30),
            returns in prop::collection::vec(1..=4_u32, 0..100),
        ) {
            let mut line = line(&quantities);
            let (mut served, mut free, mut passed) = (Served::default(), 0, vec![0; line.len()]);
            let all = line.clone();
            for returned in returns {
                free += returned;
                loop {
                    match next(&line, &served, None, free, at(0)) {
                        Next::Offer(party) => {
                            free -= party.quantity.get();
                            let place = line.iter().position(|it| it.id == party.id).unwrap();
                            for before in &line[..place] {
                                prop_assert!(before.quantity.get() > free + party.quantity.get());
                                let number = all.iter().position(|it| it.id == before.id).unwrap();
                                passed[number] += 1;
                                prop_assert!(passed[number] <= PASSED_OVER);
                            }
                            served = served.and(party.id);
                            line.remove(place);
                        }
                        Next::Gather(id) => {
                            let number = all.iter().position(|it| it.id == id).unwrap();
                            prop_assert_eq!(passed[number], PASSED_OVER);
                            break;
                        }
                        Next::None => {
                            prop_assert!(line.iter().all(|it| it.quantity.get() > free));
                            break;
                        }
                    }
                }
            }
        }
    }
}
