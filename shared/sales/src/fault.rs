use std::time::Duration;

use domain::{
    event::SaleClosed,
    fault::{Code, Fault},
    payment::{IllegalStep, NotPayable, Paused, TooManyPoints},
    points::UnderReview,
    refund::Refused,
};
use gateways::{kakaopay, queue::NotSent};
use store::{
    Rejected, StoreFault,
    ephemeral::{idempotency::IdempotencyFault, rate::RateFault},
    identity::{member::Needed, session::SessionEnded},
    sales::payment::Refund,
};

use crate::{Held, codes};

/// How long a refund takes while KakaoPay answers.
const REFUND_TAKES: Duration = Duration::from_secs(5);

/// Why a payment can't be made or moved.
#[derive(Debug, thiserror::Error)]
pub enum SalesFault {
    /// The buyer's session is over.
    #[error(transparent)]
    Session(SessionEnded),
    /// The buyer has to say first how old they are, or where mail reaches them.
    #[error(transparent)]
    Needed(#[from] Needed),
    /// The buyer tries too often.
    #[error(transparent)]
    Rate(#[from] RateFault),
    /// The idempotency key stands for something else, or the same request is still running.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyFault),
    /// There is no such event.
    #[error("there is no such event")]
    EventNotFound,
    /// There is no such artist.
    #[error("there is no such artist")]
    ArtistNotFound,
    /// Artists don't sponsor themselves.
    #[error("it is the artist who pays")]
    Oneself,
    /// There is no such payment, or the token is not its own.
    #[error("there is no such payment")]
    PaymentNotFound,
    /// No ticket is sold now.
    #[error(transparent)]
    Closed(#[from] SaleClosed),
    /// No seat is left.
    #[error("no seat is left")]
    SoldOut {
        /// Whether seats that come back are for those who wait for them.
        waited_for: bool,
    },
    /// The event has a queue, and the buyer no number of it that is good.
    #[error("the event has a queue")]
    Queued,
    /// Anybody may buy at once.
    #[error("the event has no queue")]
    NoQueue,
    /// The buyer's number is not let in yet.
    #[error("the buyer's turn is to come")]
    NotYet {
        /// How long they wait.
        wait: Duration,
    },
    /// Nobody need wait while there are seats.
    #[error("{left} seats are left")]
    SeatsLeft {
        /// How many.
        left: u32,
    },
    /// The member does not wait for the event.
    #[error("the member does not wait for the event")]
    NotWaiting,
    /// Seats are kept for the member.
    #[error("the member has an offer that is open")]
    OfferOpen,
    /// What is to be told could not be announced, so it was not done.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// No such seats are kept for the member, or no longer.
    #[error("no such offer is open")]
    OfferOver,
    /// An offer is taken as it is.
    #[error("{offered} seats were offered")]
    NotAsOffered {
        /// How many.
        offered: u32,
    },
    /// Fewer seats are left than are wanted.
    #[error("only {left} seats are left")]
    NotEnoughSeats {
        /// How many.
        left: u32,
    },
    /// The terms are no longer those that the buyer was shown.
    #[error("the terms of the sale have changed")]
    TermsChanged,
    /// The buyer has not what the purchase takes of theirs. Their own unpaid purchase that holds such, if there is one.
    #[error("{0}")]
    Lacks(Lack, Option<Box<Held>>),
    /// The buyer let too many holds of the event go unpaid.
    #[error(transparent)]
    Paused(#[from] Paused),
    /// More points than there is to pay.
    #[error(transparent)]
    Points(#[from] TooManyPoints),
    /// The buyer's points are not to be spent now.
    #[error(transparent)]
    UnderReview(#[from] UnderReview),
    /// KakaoPay does not take such an amount.
    #[error(transparent)]
    NotPayable(#[from] NotPayable),
    /// What is paid, or being paid, can't be given up.
    #[error("the payment is not unpaid")]
    AlreadyPaid,
    /// KakaoPay does not open the payment.
    #[error("KakaoPay refused the payment")]
    PaymentRefused,
    /// Nothing was paid that could go back.
    #[error("the payment is not paid, or went back already")]
    NotRefundable,
    /// Another refund of the payment is under way.
    #[error("another refund of the payment is under way")]
    RefundInProgress,
    /// A ticket that is not one of those of the payment that are left.
    #[error("the ticket at {place} is not one of those that are left")]
    TicketsNotLeft {
        /// Its place in the list.
        place: usize,
    },
    /// A ticket that let somebody in.
    #[error("a ticket was used")]
    TicketUsed,
    /// A sponsorship that was paid out.
    #[error("the sponsorship was paid out")]
    Settled,
    /// Bought points of which some were spent.
    #[error("some of the points were spent")]
    PointsSpent,
    /// What goes back is no longer what was told. This goes back now.
    #[error("what goes back is no longer what was told")]
    QuoteChanged(Box<Refund>),
    /// By its terms nothing goes back.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// KakaoPay.
    #[error(transparent)]
    Kakaopay(kakaopay::Error),
    /// Seats are taken and given back faster than they can be looked at.
    #[error("the seats are contended")]
    Contended,
    /// Our own defect: a step that the payment's state does not allow.
    #[error(transparent)]
    Step(#[from] IllegalStep),
    /// The operating system has no random bytes.
    #[error("no random bytes")]
    Random(getrandom::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// What a buyer may have too little of, while an unpaid purchase of theirs holds some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// One buyer can't have so many tickets of an event.
    #[error("the buyer would have too many tickets of this event")]
    Tickets,
    /// They claimed no such coupon, or it was spent, is held, or has expired.
    #[error("the buyer has no such coupon to spend")]
    Coupon,
    /// Their balance is smaller.
    #[error("the buyer has fewer points")]
    Points,
}

impl From<kakaopay::Error> for SalesFault {
    fn from(error: kakaopay::Error) -> Self {
        match error {
            kakaopay::Error::Refused { .. } => Self::PaymentRefused,
            other => Self::Kakaopay(other),
        }
    }
}

impl From<Rejected<SessionEnded>> for SalesFault {
    fn from(rejected: Rejected<SessionEnded>) -> Self {
        match rejected {
            Rejected::Condition(ended) => Self::Session(ended),
            Rejected::Store(fault) => Self::Store(fault),
        }
    }
}

impl SalesFault {
    /// The fault of another part that this one only passes on.
    fn passed_on(&self) -> Option<&dyn Fault> {
        match self {
            Self::Session(fault) => Some(fault),
            Self::Needed(fault) => Some(fault),
            Self::Rate(fault) => Some(fault),
            Self::Idempotency(fault) => Some(fault),
            Self::Closed(fault) => Some(fault),
            Self::Paused(fault) => Some(fault),
            Self::Points(fault) => Some(fault),
            Self::UnderReview(fault) => Some(fault),
            Self::Refused(fault) => Some(fault),
            Self::NotPayable(fault) => Some(fault),
            Self::Kakaopay(fault) => Some(fault),
            Self::Store(fault) => Some(fault),
            Self::NotSent(fault) => Some(fault),
            _ => None,
        }
    }
}

impl Fault for SalesFault {
    fn code(&self) -> Code {
        if let Some(fault) = self.passed_on() {
            return fault.code();
        }
        match self {
            Self::EventNotFound => domain::codes::EVENT_NOT_FOUND,
            Self::PaymentNotFound => codes::PAYMENT_NOT_FOUND,
            Self::SoldOut { .. } => codes::SOLD_OUT,
            Self::Queued => codes::QUEUE_NUMBER_NEEDED,
            Self::NoQueue => codes::NO_QUEUE,
            Self::NotYet { .. } => codes::NOT_YOUR_TURN,
            Self::SeatsLeft { .. } => codes::SEATS_LEFT,
            Self::NotWaiting => codes::NOT_WAITING,
            Self::OfferOpen => codes::OFFER_OPEN,
            Self::OfferOver => codes::OFFER_OVER,
            Self::NotAsOffered { .. } => codes::NOT_AS_OFFERED,
            Self::NotEnoughSeats { .. } => codes::NOT_ENOUGH_SEATS,
            Self::Lacks(Lack::Tickets, _) => codes::TICKET_LIMIT,
            Self::Lacks(Lack::Coupon, _) => codes::COUPON_NOT_USABLE,
            Self::Lacks(Lack::Points, _) => codes::NOT_ENOUGH_POINTS,
            Self::AlreadyPaid => codes::ALREADY_PAID,
            Self::PaymentRefused => codes::PAYMENT_REFUSED,
            Self::TermsChanged => codes::TERMS_CHANGED,
            Self::NotRefundable => codes::NOT_REFUNDABLE,
            Self::RefundInProgress => codes::REFUND_IN_PROGRESS,
            Self::TicketsNotLeft { .. } => codes::TICKETS_NOT_LEFT,
            Self::TicketUsed => codes::TICKET_USED,
            Self::Settled => codes::SPONSORSHIP_SETTLED,
            Self::PointsSpent => codes::POINTS_SPENT,
            Self::ArtistNotFound => store::codes::ARTIST_NOT_FOUND,
            Self::Oneself => codes::SPONSORS_ONESELF,
            Self::QuoteChanged(_) => codes::QUOTE_CHANGED,
            Self::Contended => store::codes::STORE_UNAVAILABLE,
            _ => domain::codes::INTERNAL,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Contended => Some(Duration::from_secs(1)),
            Self::RefundInProgress => Some(REFUND_TAKES),
            Self::NotYet { wait } => Some(*wait),
            _ => self.passed_on()?.retry_after(),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        payment::{State, Step},
        won::Won,
    };

    use super::*;

    #[test]
    fn each_refusal_has_the_code_that_callers_know_it_by() {
        let all = Won::ZERO;
        for (fault, code) in [
            (SalesFault::EventNotFound, "EVENT_NOT_FOUND"),
            (SalesFault::PaymentNotFound, "PAYMENT_NOT_FOUND"),
            (SalesFault::SoldOut { waited_for: true }, "SOLD_OUT"),
            (SalesFault::SeatsLeft { left: 1 }, "SEATS_LEFT"),
            (SalesFault::NotWaiting, "NOT_WAITING"),
            (SalesFault::OfferOpen, "OFFER_OPEN"),
            (SalesFault::OfferOver, "OFFER_OVER"),
            (SalesFault::NotAsOffered { offered: 2 }, "NOT_AS_OFFERED"),
            (SalesFault::NotEnoughSeats { left: 1 }, "NOT_ENOUGH_SEATS"),
            (SalesFault::Lacks(Lack::Tickets, None), "TICKET_LIMIT"),
            (SalesFault::Lacks(Lack::Coupon, None), "COUPON_NOT_USABLE"),
            (SalesFault::Lacks(Lack::Points, None), "NOT_ENOUGH_POINTS"),
            (SalesFault::AlreadyPaid, "ALREADY_PAID"),
            (SalesFault::PaymentRefused, "PAYMENT_REFUSED"),
            (SalesFault::TermsChanged, "TERMS_CHANGED"),
            (SalesFault::Contended, "STORE_UNAVAILABLE"),
            (SalesFault::Session(SessionEnded), "SESSION_ENDED"),
            (
                SalesFault::Points(TooManyPoints { points: all, remaining: all }),
                "POINTS_EXCEED_PRICE",
            ),
            (SalesFault::UnderReview(UnderReview), "POINTS_UNDER_REVIEW"),
        ] {
            assert_eq!(fault.code(), code);
            let again = matches!(fault, SalesFault::Contended).then_some(Duration::from_secs(1));
            assert_eq!(fault.retry_after(), again, "{fault}");
        }
    }

    #[test]
    fn what_is_passed_on_is_told_as_the_part_that_it_comes_from_tells_it() {
        let wait = Duration::from_secs(7);
        let fault = SalesFault::from(RateFault::TooMany { retry_after: wait });
        assert_eq!((fault.code().name, fault.retry_after()), ("TOO_MANY_REQUESTS", Some(wait)));
        let unavailable = || StoreFault::Unavailable("down".into());
        let fault = SalesFault::from(unavailable());
        assert_eq!(fault.code(), unavailable().code());
        assert_eq!(fault.retry_after(), unavailable().retry_after());
    }

    #[test]
    fn a_step_that_is_not_legal_is_our_own_defect_and_not_the_callers_conflict() {
        let fault = SalesFault::from(State::Approved.after(Step::MakeReady).unwrap_err());
        assert_eq!(fault.code(), domain::codes::INTERNAL);
        assert_eq!(fault.to_string(), "MAKE_READY is not possible while the payment is APPROVED");
    }
}
