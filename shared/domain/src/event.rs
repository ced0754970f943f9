//! What an artist publishes, and the terms it is sold on.

mod sale;
mod schedule;

pub use sale::{Sale, SaleClosed, State};
pub use schedule::{SaleWindow, Schedule};

use crate::won::Won;
use crate::{schema, text};

/// The most tickets of one event that one buyer holds, bought at once or one by one.
pub const MAX_TICKETS_PER_BUYER: u32 = Quantity::MAX.get();

text!(
    /// What an event is called: 1 to 100 characters as a person counts them.
    public Title,
    |given: &str| text::line(given, 1, 100),
    |doc| schema::text(doc, "한여름 밤의 어쿠스틱").min_length(Some(1)).max_length(Some(100)).pattern(Some(r"\S"))
);

text!(
    /// Where it takes place: 1 to 100 characters as a person counts them.
    public Place,
    |given: &str| text::line(given, 1, 100),
    |doc| schema::text(doc, "서울 마포구 홍대 소극장").min_length(Some(1)).max_length(Some(100)).pattern(Some(r"\S"))
);

text!(
    /// What is to be seen and heard, in any number of lines: 1 to 5,000 characters as a person counts them.
    public Content,
    |given: &str| text::lines(given, 1, 5_000),
    |doc| schema::text(doc, "기타 한 대와 목소리로 채우는 여름밤입니다.")
        .min_length(Some(1)).max_length(Some(5_000)).pattern(Some(r"\S"))
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

number!(
    /// How many tickets there are: 1 to 100,000.
    Capacity(u32), 1..=100_000, example 50
);

number!(
    /// What one ticket costs, in won: 0 to 10,000,000.
    Price(u64), 0..=10_000_000, example 30_000
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
