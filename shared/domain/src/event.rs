//! What an artist publishes, and the terms it is sold on.

mod called_off;
mod sale;
mod schedule;
mod search;

pub use called_off::{Ending, Progress};
pub use sale::{Sale, SaleClosed, Saved, State};
pub use schedule::{SaleWindow, Schedule};
pub use search::{SearchWords, Sort};

use crate::invalid::Invalid;
use crate::payment::{LEAST_CASH, MOST_CASH};
use crate::schema;
use crate::text;
use crate::won::Won;

/// The most tickets of one event that one buyer holds, bought at once or one by one.
pub const MAX_TICKETS_PER_BUYER: u32 = Quantity::MAX.get();

text!(
    /// What an event is called: 1 to 100 characters as a person counts them.
    words Title, text::line, 1..=100, example "한여름 밤의 어쿠스틱"
);

text!(
    /// Where it takes place: 1 to 100 characters as a person counts them.
    words Place, text::line, 1..=100, example "서울 마포구 홍대 소극장"
);

text!(
    /// What is to be seen and heard, in any number of lines: 1 to 5,000 characters as a person counts them.
    words Content, text::lines, 1..=5_000, example "기타 한 대와 목소리로 채우는 여름밤입니다."
);

choice!(
    /// What kind of event it is.
    Category {
        /// 음악
        Music = "MUSIC",
        /// 공연
        Concert = "CONCERT",
        /// 전시·미술
        Art = "ART",
        /// 영화
        Movie = "MOVIE",
        /// 모임
        Community = "COMMUNITY",
        /// 체험
        Workshop = "WORKSHOP",
    }
);

impl Category {
    /// Its name in Korean.
    pub const fn korean(self) -> &'static str {
        match self {
            Self::Music => "음악",
            Self::Concert => "공연",
            Self::Art => "전시·미술",
            Self::Movie => "영화",
            Self::Community => "모임",
            Self::Workshop => "체험",
            Self::Unknown => "기타",
        }
    }
}

choice!(
    /// What a buyer gets back. Shown before buying; it can only become more generous.
    RefundPolicy {
        /// By whole days before the start, as Korea's consumer dispute standard has it.
        Standard = "STANDARD",
        /// Everything until the sale ends, then by the standard.
        FullUntilSaleEnds = "FULL_UNTIL_SALE_ENDS",
    }
);

impl RefundPolicy {
    /// Whether whoever bought on the other gets no less by this one. Of a policy that only a newer program knows nobody can tell.
    pub fn is_as_generous_as(self, other: Self) -> bool {
        self == other || other == Self::Standard
    }
}

number!(
    /// How many tickets there are: 1 to 100,000.
    Capacity(u32), 1..=100_000, example 50
);

number!(
    /// What one ticket costs, in won: 0 to 10,000,000.
    Price(u64), 0..=10_000_000, example 30_000
);

number!(
    /// Which terms of a sale are meant: it rises with each change of place, times, price, refund policy or state.
    TermsVersion(u32), 1..=1_000_000_000, example 1
);

/// What an artist asks for a ticket: nothing, or what KakaoPay takes in one payment, so that whoever buys one can pay it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedPrice(Price);

impl TryFrom<i64> for AskedPrice {
    type Error = Invalid;

    fn try_from(asked: i64) -> Result<Self, Invalid> {
        let (min, max) = (LEAST_CASH.get() as i64, MOST_CASH.get() as i64);
        if asked == 0 || (min..=max).contains(&asked) {
            Price::try_from(asked).map(Self)
        } else {
            Err(Invalid::ZeroOrRange { min, max })
        }
    }
}

impl From<AskedPrice> for Price {
    fn from(asked: AskedPrice) -> Self {
        asked.0
    }
}

has_schema!(
    AskedPrice,
    schema::number(
        "What one ticket costs, in won: 0, or 50 to 2,000,000, which is what KakaoPay takes in one payment.",
        0,
        MOST_CASH.get() as i64,
        30_000
    )
);

number!(
    /// How many tickets are bought at once: 1 to 4.
    Quantity(u32), 1..=4, example 2
);

impl Price {
    /// The price of one ticket.
    pub const fn won(self) -> Won {
        Won::new(self.get())
    }

    /// The list price of so many tickets: what the artist is paid for them.
    pub fn of(self, quantity: Quantity) -> Won {
        Won::new(self.get() * u64::from(quantity.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_allowed_from_end_to_end_and_not_beyond() {
        for (number, is_one) in [(0, false), (1, true), (100_000, true), (100_001, false)] {
            assert_eq!(Capacity::try_from(number).is_ok(), is_one, "{number}");
        }
        for (number, is_one) in [(-1, false), (0, true), (10_000_000, true), (10_000_001, false)] {
            assert_eq!(Price::try_from(number).is_ok(), is_one, "{number}");
        }
        for (number, is_one) in [(i64::MIN, false), (0, false), (1, true), (4, true), (5, false)] {
            assert_eq!(Quantity::try_from(number).is_ok(), is_one, "{number}");
        }
        assert_eq!(Quantity::try_from(5).unwrap_err().code(), "RANGE");
    }

    #[test]
    fn a_price_that_nobody_could_pay_is_not_asked() {
        for (price, is_one) in
            [(0, true), (1, false), (49, false), (50, true), (2_000_000, true), (2_000_001, false)]
        {
            let asked = AskedPrice::try_from(price).map(|asked| Price::from(asked).get());
            assert_eq!(asked.ok(), is_one.then_some(price as u64), "{price}");
        }
        assert_eq!(AskedPrice::try_from(-1).unwrap_err().code(), "RANGE");
        let told = AskedPrice::try_from(49).unwrap_err().detail();
        assert_eq!(told.english, "must be 0, or a whole number from 50 to 2000000");
    }

    #[test]
    fn a_number_is_an_integer_in_json_and_checked_there_too() {
        assert_eq!(serde_json::to_string(&Price::MAX).unwrap(), "10000000");
        assert_eq!(serde_json::from_str::<Quantity>("4").unwrap(), Quantity::MAX);
        assert!(serde_json::from_str::<Quantity>("5").is_err());
    }

    #[test]
    fn the_list_price_is_the_price_of_every_ticket() {
        assert_eq!(Price::MAX.of(Quantity::MAX), Won::new(40_000_000));
        assert_eq!(Price::MIN.of(Quantity::MAX), Won::ZERO);
        assert_eq!(Price::MAX.of(Quantity::MIN), Price::MAX.won());
    }

    #[test]
    fn texts_have_their_lengths() {
        assert!("가".repeat(100).parse::<Title>().is_ok());
        assert!("가".repeat(101).parse::<Title>().is_err());
        assert!("가".repeat(100).parse::<Place>().is_ok());
        assert!("가".repeat(101).parse::<Place>().is_err());
        assert!("가\n".repeat(2_500).parse::<Content>().is_ok());
        assert!("가".repeat(5_001).parse::<Content>().is_err());
        assert_eq!(serde_json::from_str::<Title>("\" 밤 \"").unwrap().as_str(), "밤");
        assert!(serde_json::from_str::<Title>("\"\"").is_err());
    }

    #[test]
    fn a_refund_policy_becomes_more_generous_and_never_less() {
        use RefundPolicy::{FullUntilSaleEnds, Standard, Unknown};
        for (before, after, may) in [
            (Standard, Standard, true),
            (Standard, FullUntilSaleEnds, true),
            (FullUntilSaleEnds, Standard, false),
            (Unknown, Standard, false),
        ] {
            assert_eq!(after.is_as_generous_as(before), may, "{before:?} {after:?}");
        }
    }

    #[test]
    fn every_category_has_a_korean_name() {
        let names: Vec<&str> = Category::ALL.iter().map(|category| category.korean()).collect();
        assert_eq!(names, ["음악", "공연", "전시·미술", "영화", "모임", "체험"]);
    }
}
