//! Money: whole won, never negative, never a float.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;
use crate::schema;

/// An amount of money in won.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Won(u64);

/// The largest whole number that every reader of JSON keeps exact (2⁵³ − 1).
const MAX: i64 = 9_007_199_254_740_991;

impl Won {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many won.
    pub const fn new(won: u64) -> Self {
        Self(won)
    }

    /// The number of won.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, unless it is too large to write down.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The rest, unless more is taken than there is.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// So many times the amount, unless it is too large to write down.
    pub fn times(self, count: u32) -> Option<Self> {
        self.0.checked_mul(count.into()).map(Self)
    }

    /// A part in a hundred, rounded down to the won.
    pub fn percent(self, percent: Percent) -> Self {
        let whole = self.0 / 100 * u64::from(percent.0);
        let rest = self.0 % 100 * u64::from(percent.0) / 100;
        Self(whole + rest)
    }
}

impl TryFrom<i64> for Won {
    type Error = Invalid;

    fn try_from(won: i64) -> Result<Self, Invalid> {
        match u64::try_from(won) {
            Ok(amount) if won <= MAX => Ok(Self(amount)),
            _ => Err(Invalid::Range { min: 0, max: MAX }),
        }
    }
}

impl fmt::Display for Won {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

has_schema!(Won, schema::number("An amount of money in whole won (KRW).", 0, MAX, 30_000));

/// A part in a hundred, from nothing to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct Percent(u8);

impl Percent {
    /// All of it.
    pub const ALL: Self = Self(100);

    /// So many in a hundred, for constants; what is more than all is all.
    pub(crate) const fn of(percent: u8) -> Self {
        if percent > 100 { Self::ALL } else { Self(percent) }
    }

    /// The number before the `%`.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Percent {
    type Error = Invalid;

    fn try_from(percent: u8) -> Result<Self, Invalid> {
        if percent > 100 {
            return Err(Invalid::Range { min: 0, max: 100 });
        }
        Ok(Self(percent))
    }
}

has_schema!(Percent, schema::number("A part in a hundred.", 0, 100, 90));

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn there_is_no_more_than_all() {
        assert_eq!([0, 99, 100, 101].map(|percent| Percent::of(percent).get()), [0, 99, 100, 100]);
    }

    #[test]
    fn nothing_is_zero_and_one_won_is_not() {
        assert!(Won::ZERO.is_zero());
        assert!(!Won(1).is_zero());
        assert_eq!(Won(30_000).to_string(), "30000");
    }

    #[test]
    fn money_from_outside_is_a_whole_number_that_javascript_keeps() {
        assert_eq!(Won::try_from(0), Ok(Won::ZERO));
        assert_eq!(Won::try_from(MAX).map(Won::get), Ok(9_007_199_254_740_991));
        for wrong in [-1, MAX + 1, i64::MIN, i64::MAX] {
            assert_eq!(Won::try_from(wrong).unwrap_err().code(), "RANGE");
        }
    }

    #[test]
    fn money_is_an_integer_in_json() {
        assert_eq!(serde_json::to_string(&Won::new(30_000)).unwrap(), "30000");
        assert_eq!(serde_json::from_str::<Won>("30000").unwrap(), Won::new(30_000));
        for wrong in ["-1", "1.5", "\"1\"", "1e3", "null"] {
            assert!(serde_json::from_str::<Won>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn money_never_wraps() {
        let most = Won::new(u64::MAX);
        assert_eq!(most.checked_add(Won::new(1)), None);
        assert_eq!(Won::ZERO.checked_sub(Won::new(1)), None);
        assert_eq!(most.times(2), None);
        assert_eq!(most.percent(Percent::ALL), most);
    }

    #[test]
    fn a_percent_is_at_most_all() {
        assert_eq!(Percent::try_from(100), Ok(Percent::ALL));
        assert!(Percent::try_from(101).is_err());
        assert!(serde_json::from_str::<Percent>("101").is_err());
    }

    proptest! {
        #[test]
        fn a_percent_is_rounded_down_to_the_won(won: u64, percent in 0..=100_u8) {
            let part = Won::new(won).percent(Percent(percent));
            let exact = u128::from(won) * u128::from(percent) / 100;
            prop_assert_eq!(u128::from(part.get()), exact);
        }

        #[test]
        fn what_is_added_can_be_taken_again(a in 0..u64::MAX / 2, b in 0..u64::MAX / 2) {
            let sum = Won::new(a).checked_add(Won::new(b)).unwrap();
            prop_assert_eq!(sum.checked_sub(Won::new(b)), Some(Won::new(a)));
        }

        #[test]
        fn times_is_adding_so_often(won in 0..1_u64 << 40, count in 0..50_u32) {
            let one_by_one = (0..count).try_fold(Won::ZERO, |sum, _| sum.checked_add(Won::new(won)));
            prop_assert_eq!(Won::new(won).times(count), one_by_one);
        }
    }
}
