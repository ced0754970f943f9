//! What KakaoPay's return addresses have in common: how they name a payment, and what whoever comes back is shown.

use api::{Answer, Context, FieldFaults, Page, Response};
use askama::Template;
use deserr::Deserr;
use domain::{id::PaymentId, payment::State};
use store::sales::payment::Payment;
use utoipa::IntoParams;

use crate::view::PaymentView;

/// Which payment, and the token that its return addresses carry.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct Return {
    /// The payment.
    pub payment_id: PaymentId,
    /// The payment's own, unguessable. KakaoPay was given it, and nobody else.
    pub token: String,
}

/// What KakaoPay adds to an address that takes nothing: it may add what it likes, and that is not the buyer's fault.
#[derive(Debug, Deserr)]
#[deserr(error = FieldFaults)]
pub struct Visit {}

/// A small page for a person, JSON for a program.
pub fn show(payment: Payment, context: &Context) -> Response {
    if !context.wants_page() {
        return Answer::ok(PaymentView::of(payment, context.now)).into();
    }
    let (title, detail) = words(payment.state_at(context.now));
    let page = ReturnPage {
        title,
        detail,
        event: payment.event_title.as_str(),
        quantity: payment.quantity.get(),
        cash: payment.amounts.cash.get(),
        payment: payment.id,
    };
    match page.render() {
        Ok(html) => Page::new("text/html; charset=utf-8", html).into(),
        Err(error) => {
            tracing::error!(%error, "the return page cannot be rendered");
            Answer::ok(PaymentView::of(payment, context.now)).into()
        }
    }
}

#[derive(Template)]
#[template(path = "return.html")]
struct ReturnPage<'a> {
    title: &'static str,
    detail: &'static str,
    event: &'a str,
    quantity: u32,
    cash: u64,
    payment: PaymentId,
}

fn words(state: State) -> (&'static str, &'static str) {
    match state {
        State::Reserved | State::Ready => {
            ("결제를 기다리고 있습니다", "카카오페이에서 결제를 마쳐 주세요.")
        }
        State::Approving => ("결제를 확인하고 있습니다", "곧 확정됩니다. 다시 결제하지 마세요."),
        State::Approved => {
            ("예매가 끝났습니다", "티켓은 내 티켓에서 볼 수 있습니다. 공연장에서 만나요!")
        }
        State::Refunding => ("환불하고 있습니다", "결제 금액을 돌려드리는 중입니다."),
        State::PartiallyRefunded => {
            ("일부를 환불했습니다", "남은 티켓은 내 티켓에서 볼 수 있습니다.")
        }
        State::Refunded => ("환불했습니다", "결제 금액을 돌려드렸습니다."),
        State::Failed => ("결제하지 못했습니다", "결제되지 않았고, 잡아 둔 자리는 풀렸습니다."),
        State::Expired => {
            ("결제 시간이 지났습니다", "결제되지 않았습니다. 자리를 다시 잡아 주세요.")
        }
        State::Cancelled => ("결제를 취소했습니다", "결제되지 않았고, 잡아 둔 자리는 풀렸습니다."),
    }
}
