//! Coupons: so many won off a purchase, offered to so many members, one each.

use unicode_normalization::UnicodeNormalization;

use crate::invalid::Invalid;
use crate::schema;
use crate::time::{Day, Time};
use crate::won::Won;

const EXAMPLE: &str = "STAG-E7K2-2026";

/// How many characters a code has, in groups of [`GROUP`].
const LENGTH: usize = 12;
const GROUP: usize = 4;

/// What codes are drawn from: 32 characters that nobody takes for each other, 5 bits each.
const DRAWN: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

text!(
    /// A coupon's code: three groups of four, of A to Z and 0 to 9.
    personal CouponCode,
    check,
    |doc| schema::text(doc, EXAMPLE).pattern(Some("^[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}$"))
);

/// Read however it is typed or pasted: in lower case, in full width, with hyphens and spaces, or none.
fn check(given: &str) -> Result<String, Invalid> {
    // Nobody types more than this.
    let typed = given.chars().take(40).nfkc().filter(|c| !matches!(c, ' ' | '-'));
    let code: String = typed.map(|c| c.to_ascii_uppercase()).collect();
    let is_one =
        code.len() == LENGTH && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if is_one { Ok(grouped(&code)) } else { Err(Invalid::Format { expected: EXAMPLE }) }
}

fn grouped(code: &str) -> String {
    let (first, rest) = code.split_at(GROUP);
    let (second, third) = rest.split_at(GROUP);
    format!("{first}-{second}-{third}")
}

impl CouponCode {
    /// One of 2⁶⁰, from 64 random bits.
    pub fn of(random: u64) -> Self {
        let drawn =
            |place: usize| char::from(DRAWN[(random >> (5 * place)) as usize % DRAWN.len()]);
        Self(grouped(&(0..LENGTH).map(drawn).collect::<String>()))
    }
}

number!(
    /// What a coupon takes off a purchase, in won: 1 to 10,000,000.
    Discount(u64), 1..=10_000_000, example 5_000
);

impl Discount {
    /// The same as an amount of money.
    pub const fn won(self) -> Won {
        Won::new(self.get())
    }
}

number!(
    /// How many members may claim a coupon: 1 to 1,000,000.
    Quota(u32), 1..=1_000_000, example 1_000
);

choice!(
    /// How a claimed coupon stands.
    ClaimState {
        /// It can be spent.
        Usable = "USABLE",
        /// A purchase that is not paid yet has it.
        Held = "HELD",
        /// It was spent.
        Used = "USED",
        /// Its last day is over. No item says so: it is seen by the clock.
        Expired = "EXPIRED",
    }
);

impl ClaimState {
    /// The state as a reader has to take it: what can't be spent any more has expired. What is held or was spent stays so.
    pub fn at(self, expires_on: Day, now: Time) -> Self {
        if self == Self::Usable && !is_good(expires_on, now) { Self::Expired } else { self }
    }
}

/// Whether a coupon with this last day is still good: to the end of that day in Korea.
pub fn is_good(expires_on: Day, now: Time) -> bool {
    now.korean_day() <= expires_on
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for good in [
            "STAGEFREE202",
            "stage-free-202",
            "STAG-EFRE-E202",
            " stag efre e202 ",
            "ＳＴＡＧ－ｅｆｒｅ－Ｅ２０２",
        ] {
            assert_eq!(good.parse::<CouponCode>().unwrap().as_str(), "STAG-EFRE-E202", "{good}");
        }
        for wrong in [
            "",
            "STAG-EFRE-E20",
            "STAG-EFRE-E2026",
            "STAG-EFRE-E20!",
            "무대-무대-무대",
            &"A".repeat(60_000),
        ] {
            assert_eq!(wrong.parse::<CouponCode>().unwrap_err().code(), "FORMAT", "{wrong:?}");
        }
    }

    #[test]
    fn a_code_shows_itself_in_no_log() {
        let code = CouponCode::of(7);
        assert!(!format!("{code:?}").contains(code.as_str()));
    }

    #[test]
    fn a_discount_is_money() {
        assert_eq!(Discount::try_from(5_000).unwrap().won(), Won::new(5_000));
        assert!(Discount::try_from(0).is_err());
    }

    #[test]
    fn a_coupon_is_good_to_the_end_of_its_last_day_in_korea() {
        let last: Day = "2026-12-31".parse().unwrap();
        let end: Time = "2027-01-01T00:00:00+09:00".parse().unwrap();
        let moment_before = end.minus(Duration::from_millis(1));
        assert!(is_good(last, moment_before) && !is_good(last, end));
        use ClaimState::{Expired, Held, Unknown, Usable, Used};
        for (state, before, after) in [
            (Usable, Usable, Expired),
            (Held, Held, Held),
            (Used, Used, Used),
            (Unknown, Unknown, Unknown),
        ] {
            assert_eq!((state.at(last, moment_before), state.at(last, end)), (before, after));
        }
    }

    proptest! {
        #[test]
        fn a_code_that_is_drawn_reads_itself_and_has_no_character_that_is_taken_for_another(random: u64) {
            let code = CouponCode::of(random);
            prop_assert_eq!(code.as_str().parse(), Ok(code.clone()));
            prop_assert!(!code.as_str().contains(['0', 'O', '1', 'I']));
        }

        #[test]
        fn each_of_sixty_bits_counts(random: u64, bit in 0..60_u32) {
            prop_assert_ne!(CouponCode::of(random), CouponCode::of(random ^ (1 << bit)));
        }
    }
}
