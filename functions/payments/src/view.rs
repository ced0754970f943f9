use domain::{
    event::{Quantity, Title},
    id::{EventId, PaymentId, TicketId},
    payment::{Purpose, State, Step},
    time::Time,
    won::Won,
};
use serde::Serialize;
use store::sales::payment::{Order, Payment};
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
    /// The event.
    event: EventRef,
    /// How many tickets.
    quantity: Quantity,
    /// Price × quantity, in won.
    list_price: Won,
    /// What the coupon takes off, in won.
    coupon: Won,
    /// The points used.
    points: Won,
    /// What KakaoPay charges, in won.
    cash: Won,
    /// What went back.
    refunded: RefundedView,
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

/// What went back of a payment so far.
#[derive(Debug, Serialize, ToSchema)]
struct RefundedView {
    /// Through KakaoPay, in won.
    cash: Won,
    /// To the balance.
    points: Won,
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
        let pages = payment.order.filter(|_| state == State::Ready);
        Self {
            id: payment.id,
            purpose: payment.purpose,
            state,
            event: EventRef { id: payment.event_id, title: payment.event_title },
            quantity: payment.quantity,
            list_price: payment.amounts.list_price,
            coupon: payment.amounts.coupon,
            points: payment.amounts.points,
            cash: payment.amounts.cash,
            refunded: RefundedView { cash: payment.refunded.cash, points: payment.refunded.points },
            hold_ends_at: payment.hold_ends_at,
            kakaopay: pages.map(KakaopayPages::from),
            ticket_ids: payment.ticket_ids,
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
