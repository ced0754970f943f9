use api::Problem;
use domain::{
    event::{Quantity, Title},
    id::{EventId, MemberId, OfferId, PaymentId, TicketId},
    payment::{Purpose, State, Step},
    refund::{Cause, Rule},
    sponsorship::Message,
    time::Time,
    waiting,
    won::{Percent, Won},
};
use sales::{Place, codes::PAYMENT_NOT_FOUND};
use serde::Serialize;
use store::{
    Relaxed, Store, StoreFault,
    catalog::on_sale::{OnSale, OnSaleKey},
    identity::session::Session,
    sales::payment::{Order, Payment, Refund, Subject},
};
use utoipa::ToSchema;

/// A payment as its buyer sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentView {
    /// Its id.
    pub id: PaymentId,
    /// What is paid for.
    purpose: Purpose,
    /// How far it has come. A hold that is past has ended.
    pub state: State,
    /// The event; of tickets.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<EventRef>,
    /// How many; of tickets.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<Quantity>,
    /// Who is given something; of a sponsorship.
    #[serde(skip_serializing_if = "Option::is_none")]
    artist: Option<ArtistRef>,
    /// What they are told with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
    /// Price × quantity, or the amount, in won.
    list_price: Won,
    /// What the coupon takes off, in won.
    coupon: Won,
    /// The points used.
    points: Won,
    /// What KakaoPay charges, in won.
    cash: Won,
    /// What went back.
    refunded: RefundedView,
    /// The tickets that went back, or go.
    refunds: Vec<RefundView>,
    /// Until when the seats are kept for an unpaid payment.
    hold_ends_at: Time,
    /// Where to pay; there while the payment waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    kakaopay: Option<KakaopayPages>,
    /// The tickets, once it is paid.
    ticket_ids: Vec<TicketId>,
    /// Every step it took.
    history: Vec<StepView>,
    created_at: Time,
    updated_at: Time,
}

/// The event that is paid for, as it was called then.
#[derive(Debug, Serialize, ToSchema)]
struct EventRef {
    id: EventId,
    title: Title,
}

/// An artist who is given something.
#[derive(Debug, Serialize, ToSchema)]
struct ArtistRef {
    id: MemberId,
}

/// What went back of a payment so far.
#[derive(Debug, Serialize, ToSchema)]
struct RefundedView {
    /// Through KakaoPay, in won.
    cash: Won,
    /// To the balance.
    points: Won,
}

/// Tickets that went back together, or go.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundView {
    /// Which tickets.
    ticket_ids: Vec<TicketId>,
    /// Whether all of it is back.
    state: RefundState,
    /// Why.
    cause: Cause,
    /// Of what was paid for them, this part goes back.
    percent: Percent,
    /// The rule that says so.
    rule: Rule,
    /// Through KakaoPay, in won.
    cash: Won,
    /// To the balance.
    points: Won,
    /// Whether the coupon goes back.
    coupon_returned: bool,
    /// Points that the cash had earned and that were taken from the balance; what of them was spent is owed.
    earned_taken_back: Won,
    /// When it began.
    at: Time,
}

/// How far a refund has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum RefundState {
    /// KakaoPay has yet to give the money back.
    UnderWay,
    /// All is back.
    Done,
}

impl RefundView {
    /// All of a payment, in their order.
    pub fn all(payment: &Payment) -> Vec<Self> {
        let under_way = payment.refunds.len().checked_sub(1);
        let under_way = under_way.filter(|_| payment.state == State::Refunding);
        let view = |(number, refund): (usize, &Refund)| Self {
            ticket_ids: refund.ticket_ids.clone(),
            state: if under_way == Some(number) {
                RefundState::UnderWay
            } else {
                RefundState::Done
            },
            cause: refund.cause,
            percent: refund.percent,
            rule: refund.rule,
            cash: refund.cash,
            points: refund.points,
            coupon_returned: refund.coupon,
            earned_taken_back: refund.earned_taken_back,
            at: refund.at,
        };
        payment.refunds.iter().enumerate().map(view).collect()
    }
}

/// The caller's own payment. For everybody else it does not exist.
pub fn own(payment: Option<Payment>, session: &Session) -> Result<Payment, Problem> {
    payment
        .filter(|payment| payment.member_id == session.member.id)
        .ok_or_else(|| Problem::new(PAYMENT_NOT_FOUND))
}

/// The event of a payment for tickets, as it is sold a second ago: whether it takes place as it was bought.
pub async fn event_of(store: &Store, payment: &Payment) -> Result<Option<OnSale>, StoreFault> {
    match payment.booking() {
        Some(booking) => store.get(&Relaxed(OnSaleKey(booking.event_id))).await,
        None => Ok(None),
    }
}

/// How somebody waits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingView {
    /// The event.
    event: EventRef,
    /// How it stands.
    state: waiting::State,
    /// For how many.
    quantity: Quantity,
    /// Of `WAITING`: which one they are in the line, from 1. 1,001 is anywhere behind the first thousand.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u32>,
    /// Of `OFFERED`: what is kept for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<OfferView>,
    /// Of `TAKEN`: the payment that took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<PaymentId>,
    /// When they joined.
    joined_at: Time,
}

/// Seats that are kept for somebody.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OfferView {
    /// What a purchase names it by.
    id: OfferId,
    /// Until when they are kept.
    ends_at: Time,
}

impl From<Place> for WaitingView {
    fn from(Place { waiting, state, position }: Place) -> Self {
        let offer = waiting.offer.filter(|_| state == waiting::State::Offered);
        Self {
            event: EventRef { id: waiting.event_id, title: waiting.event_title },
            state,
            quantity: waiting.quantity,
            position,
            offer: offer.map(|it| OfferView { id: it.id, ends_at: it.ends_at }),
            payment_id: waiting.payment_id,
            joined_at: waiting.created_at,
        }
    }
}

/// KakaoPay's pages for one payment: send the buyer to the one that fits.
#[derive(Debug, Serialize, ToSchema)]
pub struct KakaopayPages {
    /// For a browser on a computer.
    #[schema(example = "https://online-pay.kakaopay.com/mockup/v1/c0ffee/info")]
    pc: String,
    /// For a browser on a phone.
    #[schema(example = "https://online-pay.kakaopay.com/mockup/v1/c0ffee/mInfo")]
    mobile: String,
    /// For an app's web view.
    #[schema(example = "https://online-pay.kakaopay.com/mockup/v1/c0ffee/aInfo")]
    app: String,
}

/// One step of a payment.
#[derive(Debug, Serialize, ToSchema)]
struct StepView {
    step: Step,
    at: Time,
}

impl PaymentView {
    /// What the buyer sees at a time.
    pub fn of(payment: Payment, now: Time) -> Self {
        let state = payment.state_at(now);
        let refunds = RefundView::all(&payment);
        let pages = payment.order.clone().filter(|_| state == State::Ready);
        let purpose = payment.subject.purpose();
        let ticket_ids = payment.ticket_ids().to_vec();
        let (booking, gift) = match payment.subject {
            Subject::Tickets(booking) => (Some(booking), None),
            Subject::Sponsorship(gift) => (None, Some(gift)),
            Subject::Points | Subject::Unknown => (None, None),
        };
        let (artist, message) = gift.map(|it| (ArtistRef { id: it.artist_id }, it.message)).unzip();
        Self {
            id: payment.id,
            refunds,
            purpose,
            state,
            quantity: booking.as_ref().map(|it| it.quantity),
            event: booking.map(|it| EventRef { id: it.event_id, title: it.event_title }),
            artist,
            message: message.flatten(),
            list_price: payment.amounts.list_price,
            coupon: payment.amounts.coupon,
            points: payment.amounts.points,
            cash: payment.amounts.cash,
            refunded: RefundedView { cash: payment.refunded.cash, points: payment.refunded.points },
            hold_ends_at: payment.hold_ends_at,
            kakaopay: pages.map(KakaopayPages::from),
            ticket_ids,
            history: payment
                .history
                .iter()
                .map(|entry| StepView { step: entry.step, at: entry.at })
                .collect(),
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        }
    }
}

impl From<Order> for KakaopayPages {
    fn from(order: Order) -> Self {
        Self { pc: order.pc, mobile: order.mobile, app: order.app }
    }
}
