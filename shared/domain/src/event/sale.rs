use serde::{Deserialize, Serialize};

use super::{Price, SaleWindow};
use crate::fault::{Fault, Kind};
use crate::time::Time;

choice!(
    /// Whether an event takes place.
    State {
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
        if self.state == State::Cancelled {
            return Err(SaleClosed::Cancelled);
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
}

impl Fault for SaleClosed {
    fn kind(&self) -> Kind {
        Kind::Refused
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotYet => "SALE_NOT_STARTED",
            Self::Ended => "SALE_ENDED",
            Self::Cancelled => "EVENT_CANCELLED",
        }
    }
}
