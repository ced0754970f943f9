use serde::{Deserialize, Serialize};

use super::{Price, SaleWindow};
use crate::codes;
use crate::fault::{Code, Fault};
use crate::time::Time;

choice!(
    /// How an artist saves an event.
    given Saved {
        /// For everybody.
        Open = "OPEN",
        /// For themselves.
        Draft = "DRAFT",
    }
);

impl From<Saved> for State {
    fn from(saved: Saved) -> Self {
        match saved {
            Saved::Open => Self::Open,
            Saved::Draft => Self::Draft,
        }
    }
}

choice!(
    /// Whether an event takes place.
    State as "EventState" {
        /// Only its artist knows of it.
        Draft = "DRAFT",
        /// It does.
        Open = "OPEN",
        /// It was called off.
        Cancelled = "CANCELLED",
    }
);

/// The terms of a sale, as every shard of the stock repeats them: a purchase looks at its shard and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sale {
    /// Whether the event takes place.
    pub state: State,
    /// Rises with every change of the terms.
    pub terms_version: u32,
    /// From when until when tickets are sold.
    #[serde(flatten)]
    pub window: SaleWindow,
    /// What one ticket costs.
    pub price: Price,
}

impl Sale {
    /// Whether a ticket may be sold at that moment: from the start of the sale, inclusive, to its end, exclusive.
    ///
    /// # Errors
    /// Why it may not.
    pub fn open_at(&self, now: Time) -> Result<(), SaleClosed> {
        match self.state {
            State::Open => {}
            State::Cancelled => return Err(SaleClosed::Cancelled),
            State::Draft | State::Unknown => return Err(SaleClosed::Unknown),
        }
        if now < self.window.sale_starts_at {
            return Err(SaleClosed::NotYet);
        }
        if now >= self.window.sale_ends_at {
            return Err(SaleClosed::Ended);
        }
        Ok(())
    }
}

/// Why no ticket is sold now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaleClosed {
    /// It will be.
    #[error("the sale has not started")]
    NotYet,
    /// It was.
    #[error("the sale has ended")]
    Ended,
    /// The event was called off.
    #[error("the event is cancelled")]
    Cancelled,
    /// Only a newer program knows how the event stands, or what goes back of what is paid for it.
    #[error("the terms of the sale are not known here")]
    Unknown,
}

impl Fault for SaleClosed {
    fn code(&self) -> Code {
        match self {
            Self::NotYet => codes::SALE_NOT_STARTED,
            Self::Ended => codes::SALE_ENDED,
            Self::Cancelled => codes::EVENT_CANCELLED,
            Self::Unknown => codes::SALE_CLOSED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sale(state: State) -> Sale {
        let window = SaleWindow {
            sale_starts_at: Time::from_millis(100),
            sale_ends_at: Time::from_millis(200),
        };
        Sale { state, terms_version: 1, window, price: Price::MAX }
    }

    #[test]
    fn a_sale_is_open_from_its_start_to_just_before_its_end() {
        let open_at = |millis| sale(State::Open).open_at(Time::from_millis(millis));
        assert_eq!(open_at(99), Err(SaleClosed::NotYet));
        assert_eq!(open_at(100), Ok(()));
        assert_eq!(open_at(199), Ok(()));
        assert_eq!(open_at(200), Err(SaleClosed::Ended));
    }

    #[test]
    fn nothing_is_sold_of_a_cancelled_event() {
        for millis in [99, 100, 200] {
            let refused = sale(State::Cancelled).open_at(Time::from_millis(millis));
            assert_eq!(refused, Err(SaleClosed::Cancelled));
        }
    }

    #[test]
    fn nothing_is_sold_of_an_event_in_a_state_that_is_not_known() {
        let postponed: State = serde_json::from_str("\"POSTPONED\"").unwrap();
        let refused = sale(postponed).open_at(Time::from_millis(100)).unwrap_err();
        assert_eq!(refused.code(), codes::SALE_CLOSED);
    }

    #[test]
    fn a_closed_sale_is_a_refusal_with_its_own_code() {
        let codes = [SaleClosed::NotYet, SaleClosed::Ended, SaleClosed::Cancelled]
            .map(|closed| closed.code());
        assert_eq!(codes, [codes::SALE_NOT_STARTED, codes::SALE_ENDED, codes::EVENT_CANCELLED]);
    }

    #[test]
    fn items_keep_the_terms_flat() {
        let terms = sale(State::Open);
        let json = serde_json::to_string(&terms).unwrap();
        assert_eq!(
            json,
            r#"{"state":"OPEN","termsVersion":1,"saleStartsAt":100,"saleEndsAt":200,"price":10000000}"#
        );
        assert_eq!(serde_json::from_str::<Sale>(&json).unwrap(), terms);
    }
}
