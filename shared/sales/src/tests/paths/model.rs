//! What two tickets go through, as `infra/data-model.md` says it and not as the code does. All times are in minutes.

use domain::{
    coupon::ClaimState,
    payment::{State, Step},
};

use super::super::{
    kakaopay::Trouble::{self, LostAfter, LostBefore, Refused, WrongAmount},
    shop::PRICE,
    spending::DISCOUNT,
};

pub(super) const SEATS: u32 = 3;
pub(super) const BOUGHT: u32 = 2;
/// What their buyer has.
pub(super) const POINTS: u64 = 60_000;

/// From the purchase to the end of its hold, from the agreement until KakaoPay closes its order, and from look to look.
const HOLD: u64 = 15;
const CLOSED: u64 = 30;
const DAY: u64 = 24 * 60;

/// What is paid with besides money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Basket {
    pub coupon: bool,
    pub points: u64,
}

pub(super) const BASKETS: [Basket; 3] = [
    Basket { coupon: false, points: 0 },
    Basket { coupon: true, points: 7_001 },
    Basket { coupon: true, points: 55_000 },
];

impl Basket {
    const fn cash(self) -> u64 {
        BOUGHT as u64 * PRICE as u64 - self.points - if self.coupon { DISCOUNT } else { 0 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Deed {
    /// Or asks again with the same key.
    Buys,
    /// Until the hold ends, or a worker has to look.
    Waits,
    /// Until KakaoPay has closed its order.
    WaitsLong,
    /// Agrees on KakaoPay's page, if it is open, and comes back.
    Pays,
    /// Leaves KakaoPay's page and comes back by the address for this; so who can't be charged.
    Quits,
    Fails,
    /// A link preview follows such an address.
    Preview,
    CallsOff,
    GivesUp,
    /// A worker ends the hold, or settles what is open.
    Expires,
    Reconciles,
    /// The first ticket goes back, or all that are left.
    ReturnsOne,
    ReturnsAll,
    /// KakaoPay takes the money although it said that it would not.
    MoneyComes,
    /// Others buy all seats.
    Crowd,
    /// Tries all for which one must be the buyer, or know the payment's token.
    Stranger,
}

/// Which calls of KakaoPay's go wrong meanwhile.
pub(super) type Luck = &'static [(&'static str, Trouble)];

pub(super) type Event = (Deed, Luck);

/// All that can happen, what goes well first.
pub(super) fn events() -> impl Iterator<Item = Event> {
    use Deed::*;
    const DEEDS: [Deed; 16] = [
        Buys, Waits, WaitsLong, Pays, Quits, Fails, Preview, CallsOff, GivesUp, Expires,
        Reconciles, ReturnsOne, ReturnsAll, MoneyComes, Crowd, Stranger,
    ];
    const LUCKS: [Luck; 16] = [
        &[],
        &[("ready", LostBefore)],
        &[("ready", LostAfter)],
        &[("ready", Refused)],
        &[("approve", LostBefore)],
        &[("approve", LostAfter)],
        &[("approve", WrongAmount)],
        &[("approve", Refused)],
        &[("order", LostBefore)],
        &[("cancel", LostBefore)],
        &[("cancel", LostAfter)],
        &[("approve", LostBefore), ("order", LostBefore)],
        &[("approve", LostAfter), ("order", LostBefore)],
        &[("approve", WrongAmount), ("order", LostBefore)],
        &[("approve", WrongAmount), ("cancel", LostBefore)],
        &[("approve", WrongAmount), ("cancel", LostAfter)],
    ];
    LUCKS.into_iter().flat_map(|luck| DEEDS.map(|deed| (deed, luck)))
}

/// What KakaoPay has of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Books {
    pub status: &'static str,
    pub taken: u64,
    pub back: u64,
}

/// All that can be seen of a purchase.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    pub state: State,
    pub history: Vec<(Step, u64)>,
    pub due: Option<u64>,
    pub attempts: u32,
    /// Free, held and sold.
    pub seats: [u32; 3],
    /// The buyer's tickets, and their holds that went unpaid.
    pub counter: [u32; 2],
    /// Tickets that are good, and that went back.
    pub tickets: [u32; 2],
    /// Tickets, points and cash that went back, as the buyer is told.
    pub refunded: (u32, u64, u64),
    /// What can be spent, and how much of it was bought.
    pub points: (u64, u64),
    pub coupon: Option<ClaimState>,
    pub kakaopay: Option<Books>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Model {
    basket: Basket,
    pub now: u64,
    pub state: State,
    history: Vec<(Step, u64)>,
    due: Option<u64>,
    attempts: u32,
    /// Tickets that are held, that are good, and that went back.
    held: u32,
    good: u32,
    gone: u32,
    /// Seats that others hold.
    others: u32,
    unpaid: u32,
    refunded: (u32, u64, u64),
    kakaopay: Option<Books>,
    /// What is still to go wrong.
    ahead: Vec<(&'static str, Trouble)>,
}

impl Model {
    /// Before the purchase.
    pub(super) const fn of(basket: Basket) -> Self {
        Self {
            basket,
            now: 0,
            state: State::Reserved,
            history: Vec::new(),
            due: None,
            attempts: 0,
            held: 0,
            good: 0,
            gone: 0,
            others: 0,
            unpaid: 0,
            refunded: (0, 0, 0),
            kakaopay: None,
            ahead: Vec::new(),
        }
    }

    pub(super) fn seen(&self) -> Seen {
        let Basket { coupon, points } = self.basket;
        let is_paid = self.good + self.gone > 0;
        let spent = if is_paid || self.held > 0 { points - self.part(points) } else { 0 };
        let kept = self.basket.cash() - self.part(self.basket.cash());
        let earned = if is_paid { kept / 200 } else { 0 };
        let coupon = coupon.then_some(match (self.held, self.good) {
            (0, 0) => ClaimState::Usable,
            (_, 0) => ClaimState::Held,
            _ => ClaimState::Used,
        });
        let held = self.held + self.others;
        Seen {
            state: self.state,
            history: self.history.clone(),
            due: self.due,
            attempts: self.attempts,
            seats: [SEATS - held - self.good, held, self.good],
            counter: [self.held + self.good, self.unpaid],
            tickets: [self.good, self.gone],
            refunded: self.refunded,
            points: (POINTS - spent + earned, POINTS - spent),
            coupon,
            kakaopay: self.kakaopay,
        }
    }

    /// Of what was paid for all tickets, the part of those that went back.
    fn part(&self, whole: u64) -> u64 {
        whole * u64::from(self.gone) / u64::from(BOUGHT)
    }

    /// What comes of an event, and the code of a refusal. `None` if it can't happen here, or not so much can go wrong with it.
    pub(super) fn after(&self, (deed, luck): Event) -> Option<(Self, Option<&'static str>)> {
        let mut next = Self { ahead: luck.to_vec(), ..self.clone() };
        let code = self.may(deed).then(|| next.happens(deed))?;
        next.ahead.is_empty().then_some((next, code))
    }

    fn may(&self, deed: Deed) -> bool {
        use State::{Approved, Approving, Expired, Failed, PartiallyRefunded, Ready};
        let (state, now) = (self.state, self.now);
        let is_open = matches!(self.status(), Some("READY" | "AUTH_PASSWORD"));
        match deed {
            // What is paid is due for a comparison of the books, which is no step.
            Deed::Waits if matches!(state, Approved | PartiallyRefunded) => false,
            Deed::Waits => self.due.is_some_and(|due| due > now),
            Deed::WaitsLong => state == Approving && is_open && now < self.closes_at(),
            Deed::Quits => state == Ready && is_open,
            Deed::Fails => matches!(state, Ready | Approving) && is_open,
            Deed::MoneyComes => {
                state == Failed && self.due.is_some() && self.status() != Some("SUCCESS_PAYMENT")
            }
            Deed::Crowd => state == Expired && self.kakaopay.is_some() && self.others == 0,
            Deed::Buys => true,
            _ => !self.history.is_empty(),
        }
    }

    /// What the payer makes of KakaoPay's order.
    pub(super) fn on_the_page(&self, deed: Deed) -> Option<&'static str> {
        let pays = matches!(self.state, State::Ready | State::Expired);
        match deed {
            Deed::Pays if pays && self.status() == Some("READY") => Some("AUTH_PASSWORD"),
            Deed::Quits => Some("QUIT_PAYMENT"),
            Deed::Fails => Some("FAIL_PAYMENT"),
            _ => None,
        }
    }

    fn happens(&mut self, deed: Deed) -> Option<&'static str> {
        if let Some(status) = self.on_the_page(deed) {
            self.books().status = status;
        }
        match deed {
            Deed::Buys => return self.is_bought(),
            Deed::Waits => self.now = self.due.unwrap(),
            Deed::WaitsLong => self.now = self.closes_at(),
            Deed::Pays => self.comes_back(),
            Deed::Quits | Deed::Fails | Deed::Preview => self.comes_back_unpaid(),
            Deed::CallsOff | Deed::GivesUp => {
                if self.is_unpaid() {
                    self.ends(Step::Cancel, State::Cancelled);
                }
                let over = matches!(self.state, State::Cancelled | State::Expired | State::Failed);
                return (deed == Deed::GivesUp && !over).then_some("ALREADY_PAID");
            }
            Deed::Expires => self.ends_if_past(),
            Deed::Reconciles => self.is_reconciled(),
            Deed::ReturnsOne | Deed::ReturnsAll => return self.goes_back(deed),
            Deed::MoneyComes => {
                let taken = self.basket.cash();
                *self.books() = Books { status: "SUCCESS_PAYMENT", taken, back: 0 };
            }
            Deed::Crowd => self.others = SEATS,
            Deed::Stranger => return Some("PAYMENT_NOT_FOUND"),
        }
        None
    }

    fn is_bought(&mut self) -> Option<&'static str> {
        if self.history.is_empty() {
            self.held = BOUGHT;
            self.moves(Step::Reserve, State::Reserved);
        }
        self.ends_if_past();
        if self.state != State::Reserved {
            return None;
        }
        if self.basket.cash() == 0 {
            self.is_paid(Step::ApproveFree);
            return None;
        }
        match self.meets("ready") {
            None => {
                self.kakaopay = Some(Books { status: "READY", taken: 0, back: 0 });
                self.moves(Step::MakeReady, State::Ready);
                None
            }
            Some(Refused) => {
                self.ends(Step::Fail, State::Failed);
                Some("PAYMENT_REFUSED")
            }
            Some(_) => Some("KAKAOPAY_UNAVAILABLE"),
        }
    }

    fn comes_back(&mut self) {
        if self.state == State::Approving {
            return self.is_reconciled();
        }
        self.ends_if_past();
        match self.state {
            State::Ready => self.moves(Step::StartApproval, State::Approving),
            State::Expired if self.kakaopay.is_some() && self.others == 0 => {
                self.held = BOUGHT;
                self.moves(Step::StartLateApproval, State::Approving);
            }
            _ => return,
        }
        match self.takes_money() {
            Some(true) => self.is_paid(Step::Approve),
            Some(false) => self.ends(Step::Decline, State::Failed),
            None => _ = self.goes_by_order(),
        }
    }

    fn comes_back_unpaid(&mut self) {
        self.ends_if_past();
        if self.state == State::Ready && self.meets("order").is_none() {
            match self.status() {
                Some("QUIT_PAYMENT") => self.ends(Step::Cancel, State::Cancelled),
                Some("FAIL_PAYMENT") => self.ends(Step::Fail, State::Failed),
                _ => {}
            }
        }
    }

    fn ends_if_past(&mut self) {
        if self.is_unpaid() && self.now >= HOLD {
            self.ends(Step::Expire, State::Expired);
        }
    }

    fn is_reconciled(&mut self) {
        let is_open = matches!(self.state, State::Approving | State::Refunding | State::Failed);
        if !is_open || self.due.is_none_or(|due| due > self.now) {
            return;
        }
        self.due = Some(self.now + (1 << self.attempts));
        self.attempts += 1;
        if self.state == State::Refunding {
            self.gives_money_back();
        } else if self.goes_by_order() && self.takes_money() == Some(true) {
            // A refusal of what is asked again decides nothing.
            self.is_paid(Step::Approve);
        }
    }

    /// KakaoPay is asked how the order stands. Whether it could still be told to take the money.
    fn goes_by_order(&mut self) -> bool {
        if self.meets("order").is_some() {
            return false;
        }
        let Books { status, taken, .. } = *self.books();
        match (self.state, status) {
            (State::Approving, "SUCCESS_PAYMENT") if taken == self.basket.cash() => {
                self.is_paid(Step::Approve);
            }
            (State::Approving, "SUCCESS_PAYMENT") => {
                self.ends(Step::Reverse, State::Refunding);
                self.gives_money_back();
            }
            (_, "SUCCESS_PAYMENT") => {
                self.moves(Step::MoneyCame, State::Refunding);
                self.gives_money_back();
            }
            (_, "AUTH_PASSWORD") if self.now < self.closes_at() => return true,
            (State::Approving, _) => self.ends(Step::Decline, State::Failed),
            // The last look.
            _ => (self.due, self.attempts) = (None, 0),
        }
        false
    }

    /// KakaoPay is told to take the money: whether it says that it has. `None` if nobody hears.
    fn takes_money(&mut self) -> Option<bool> {
        let (trouble, cash) = (self.meets("approve"), self.basket.cash());
        let books = self.books();
        match trouble {
            Some(LostBefore) => return None,
            Some(Refused) => return Some(false),
            _ if books.status != "AUTH_PASSWORD" => return Some(false),
            _ => {}
        }
        books.status = "SUCCESS_PAYMENT";
        books.taken = if trouble == Some(WrongAmount) { cash + 100 } else { cash };
        trouble.is_none().then_some(true)
    }

    fn goes_back(&mut self, deed: Deed) -> Option<&'static str> {
        let tickets = match self.state {
            State::Approved if deed == Deed::ReturnsOne => 1,
            State::PartiallyRefunded if deed == Deed::ReturnsOne => {
                return Some("TICKETS_NOT_LEFT");
            }
            State::Approved | State::PartiallyRefunded => self.good,
            State::Refunding => return Some("REFUND_IN_PROGRESS"),
            _ => return Some("NOT_REFUNDABLE"),
        };
        self.good -= tickets;
        self.gone += tickets;
        self.moves(Step::StartRefund, State::Refunding);
        if self.basket.cash() == 0 {
            self.is_back()
        } else {
            self.gives_money_back()
        }
        None
    }

    /// KakaoPay is asked what it gave back, and gives what lacks: of the tickets' part, or of all that can't be kept.
    fn gives_money_back(&mut self) {
        if self.meets("order").is_some() {
            return;
        }
        let part = self.part(self.basket.cash());
        let Books { taken, back, .. } = *self.books();
        let goes = if self.gone > 0 { part } else { taken };
        if goes > back {
            let trouble = self.meets("cancel");
            if trouble == Some(LostBefore) {
                return;
            }
            let status = if goes < taken { "PART_CANCEL_PAYMENT" } else { "CANCEL_PAYMENT" };
            *self.books() = Books { status, taken, back: goes };
            if trouble == Some(LostAfter) {
                return;
            }
        }
        self.is_back();
    }

    fn is_back(&mut self) {
        self.refunded = match self.gone {
            0 => (BOUGHT, 0, self.books().taken),
            gone => (gone, self.part(self.basket.points), self.part(self.basket.cash())),
        };
        let (step, state) = match self.good {
            0 => (Step::FinishRefund, State::Refunded),
            _ => (Step::FinishPartialRefund, State::PartiallyRefunded),
        };
        self.moves(step, state);
    }

    /// What was held is sold. Who paid late has their unpaid holds forgotten.
    fn is_paid(&mut self, step: Step) {
        if self.history.iter().any(|(step, _)| *step == Step::StartLateApproval) {
            self.unpaid = 0;
        }
        (self.held, self.good) = (0, self.held);
        self.moves(step, State::Approved);
    }

    /// What was held is free. What could have been paid, and was not, counts against its buyer.
    fn ends(&mut self, step: Step, state: State) {
        self.held = 0;
        self.unpaid += u32::from(self.kakaopay.is_some() && step != Step::Reverse);
        self.moves(step, state);
    }

    fn moves(&mut self, step: Step, state: State) {
        self.history.push((step, self.now));
        (self.state, self.attempts) = (state, 0);
        self.due = match state {
            State::Reserved | State::Ready => Some(HOLD),
            State::Approving | State::Refunding => Some(self.now + 1),
            State::Failed if step == Step::Decline => Some(self.now + CLOSED),
            State::Approved | State::PartiallyRefunded => self.kakaopay.map(|_| self.now + DAY),
            _ => None,
        };
    }

    fn meets(&mut self, operation: &str) -> Option<Trouble> {
        let at = self.ahead.iter().position(|(of, _)| *of == operation)?;
        Some(self.ahead.remove(at).1)
    }

    fn is_unpaid(&self) -> bool {
        matches!(self.state, State::Reserved | State::Ready)
    }

    /// When KakaoPay closes the order: so long after the buyer agreed.
    fn closes_at(&self) -> u64 {
        let agreed = |step| matches!(step, Step::StartApproval | Step::StartLateApproval);
        CLOSED + self.history.iter().rfind(|(step, _)| agreed(*step)).map_or(0, |(_, at)| *at)
    }

    fn status(&self) -> Option<&'static str> {
        self.kakaopay.map(|books| books.status)
    }

    fn books(&mut self) -> &mut Books {
        self.kakaopay.as_mut().unwrap()
    }
}
