//! What KakaoPay's return addresses have in common: how they name a payment, and what whoever comes back is shown.

use api::{Answer, Context, FieldFaults, Language, Page, Response};
use askama::Template;
use deserr::Deserr;
use domain::{id::PaymentId, payment::State, won::Won};
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
    let page = ReturnPage {
        words: Words::of(payment.state_at(context.now), context.language),
        event: payment.event_title.as_str(),
        quantity: payment.quantity.get(),
        cash: won(payment.amounts.cash, context.language),
        payment: payment.id,
    };
    match page.render() {
        Ok(html) => Page::html(html).into(),
        Err(error) => {
            tracing::error!(%error, "the return page cannot be rendered");
            Answer::ok(PaymentView::of(payment, context.now)).into()
        }
    }
}

#[derive(Template)]
#[template(path = "return.html")]
struct ReturnPage<'a> {
    words: Words,
    event: &'a str,
    quantity: u32,
    cash: String,
    payment: PaymentId,
}

/// What the page says, in one language.
struct Words {
    lang: &'static str,
    title: &'static str,
    detail: &'static str,
    event: &'static str,
    tickets: &'static str,
    cash: &'static str,
    payment: &'static str,
}

impl Words {
    fn of(state: State, language: Language) -> Self {
        let (korean, english) = words(state);
        match language {
            Language::Korean => {
                let (title, detail) = korean;
                let (event, tickets, cash, payment) = ("공연", "매수", "금액", "결제 번호");
                Self { lang: "ko", title, detail, event, tickets, cash, payment }
            }
            Language::English => {
                let (title, detail) = english;
                let (event, tickets, cash, payment) = ("Event", "Tickets", "Amount", "Payment");
                Self { lang: "en", title, detail, event, tickets, cash, payment }
            }
        }
    }
}

/// `50,000원`, `₩50,000`.
fn won(amount: Won, language: Language) -> String {
    let digits = amount.get().to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match language {
        Language::Korean => format!("{grouped}원"),
        Language::English => format!("₩{grouped}"),
    }
}

type Text = (&'static str, &'static str);

/// Title and detail of a state, in Korean and in English.
#[rustfmt::skip]
fn words(state: State) -> (Text, Text) {
    match state {
        State::Reserved | State::Ready => (
            ("결제를 기다리고 있습니다", "카카오페이에서 결제를 마쳐 주세요."),
            ("Waiting for your payment", "Please finish it at KakaoPay."),
        ),
        State::Approving => (
            ("결제를 확인하고 있습니다", "곧 확정됩니다. 다시 결제하지 마세요."),
            ("Your payment is being checked", "It will be settled shortly. Please do not pay again."),
        ),
        State::Approved => (
            ("예매가 끝났습니다", "티켓은 내 티켓에서 볼 수 있습니다. 공연장에서 만나요!"),
            ("The tickets are yours", "You find them among your tickets. See you at the show!"),
        ),
        State::Refunding => (
            ("환불하고 있습니다", "결제 금액을 돌려드리는 중입니다."),
            ("Your money is on its way back", "You need not do anything."),
        ),
        State::PartiallyRefunded => (
            ("일부를 환불했습니다", "남은 티켓은 내 티켓에서 볼 수 있습니다."),
            ("Partly refunded", "You find the tickets you kept among your tickets."),
        ),
        State::Refunded => (
            ("환불했습니다", "결제 금액을 돌려드렸습니다."),
            ("Refunded", "Your money has been returned."),
        ),
        State::Failed => (
            ("결제하지 못했습니다", "결제되지 않았고, 잡아 둔 자리는 풀렸습니다."),
            ("The payment failed", "Nothing was charged, and the seats are free again."),
        ),
        State::Expired => (
            ("결제 시간이 지났습니다", "결제되지 않았습니다. 자리를 다시 잡아 주세요."),
            ("The time to pay is over", "Nothing was charged. Please choose your seats again."),
        ),
        State::Cancelled => (
            ("결제를 취소했습니다", "결제되지 않았고, 잡아 둔 자리는 풀렸습니다."),
            ("Payment cancelled", "Nothing was charged, and the seats are free again."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_people_read_it() {
        for (amount, korean, english) in [
            (0, "0원", "₩0"),
            (999, "999원", "₩999"),
            (50_000, "50,000원", "₩50,000"),
            (1_234_567, "1,234,567원", "₩1,234,567"),
        ] {
            assert_eq!(won(Won::new(amount), Language::Korean), korean);
            assert_eq!(won(Won::new(amount), Language::English), english);
        }
    }

    #[test]
    fn what_others_wrote_is_shown_as_text_and_never_as_markup() {
        let words = Words::of(State::Approved, Language::English);
        let event = "<script>alert(1)</script>";
        let page = ReturnPage {
            words,
            event,
            quantity: 1,
            cash: String::new(),
            payment: PaymentId::generate(),
        };
        let page = page.render().unwrap();
        assert!(page.contains("The tickets are yours") && page.contains(r#"lang="en""#));
        assert!(page.contains("script&#62;") && !page.contains("<script>"), "{page}");
    }
}
