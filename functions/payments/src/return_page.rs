//! What KakaoPay's return addresses have in common: how they name a payment, and what whoever comes back is shown.

use api::{Answer, Context, FieldFaults, Language, Page, Response};
use askama::Template;
use deserr::Deserr;
use domain::{
    fault::Localized,
    id::PaymentId,
    payment::{Purpose, State},
    won::Won,
};
use store::sales::payment::{Payment, Subject};
use utoipa::IntoParams;

use crate::view::PaymentView;

/// Which payment, and the token that its return addresses carry.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct ReturnPath {
    /// The payment.
    pub payment_id: PaymentId,
    /// The payment's own, unguessable. KakaoPay was given it, and nobody else.
    #[param(pattern = "^[0-9a-f]{48}$")]
    pub token: String,
}

/// A small page for a person, JSON for a program.
pub fn show(payment: Payment, context: &Context) -> Response {
    let page = || Page::render(&ReturnPage::of(&payment, context));
    match context.prefers_html().then(page).flatten() {
        Some(page) => page.into(),
        None => Answer::ok(PaymentView::of(payment, context.now)).into(),
    }
}

#[derive(Template)]
#[template(path = "return.html")]
struct ReturnPage {
    language: Language,
    title: &'static str,
    detail: &'static str,
    labels: Labels,
    /// What is paid for, in rows of a label and a value.
    bought: Vec<(&'static str, String)>,
    cash: String,
    payment: PaymentId,
    waits: bool,
}

impl ReturnPage {
    fn of(payment: &Payment, context: &Context) -> Self {
        let language = context.language;
        let state = payment.state_at(context.now);
        let (title, detail) = language.of(words(state, payment.subject.purpose()));
        let labels = language.of(LABELS);
        let bought = match &payment.subject {
            Subject::Tickets(booking) => vec![
                (labels.event, booking.event_title.to_string()),
                (labels.tickets, booking.quantity.to_string()),
            ],
            Subject::Sponsorship(_) | Subject::Points | Subject::Unknown => Vec::new(),
        };
        Self {
            language,
            title,
            detail,
            labels,
            bought,
            cash: won(payment.amounts.cash, language),
            payment: payment.id,
            waits: state.can_expire(),
        }
    }
}

struct Labels {
    event: &'static str,
    tickets: &'static str,
    cash: &'static str,
    payment: &'static str,
    call_off: &'static str,
}

const LABELS: Localized<Labels> = Localized {
    korean: Labels {
        event: "공연",
        tickets: "매수",
        cash: "금액",
        payment: "결제 번호",
        call_off: "결제 그만두기",
    },
    english: Labels {
        event: "Event",
        tickets: "Tickets",
        cash: "Amount",
        payment: "Payment",
        call_off: "Call it off",
    },
};

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
    language.of(Localized { korean: format!("{grouped}원"), english: format!("₩{grouped}") })
}

type Text = (&'static str, &'static str);

/// Title and detail of a state.
#[rustfmt::skip]
fn words(state: State, purpose: Purpose) -> Localized<Text> {
    let (korean, english) = match state {
        State::Reserved | State::Ready => (
            ("결제를 기다리고 있습니다", "카카오페이에서 결제를 마쳐 주세요."),
            ("Waiting for your payment", "Please finish it at KakaoPay."),
        ),
        State::Approving => (
            ("결제를 확인하고 있습니다", "곧 확정됩니다. 다시 결제하지 마세요."),
            ("Your payment is being checked", "It will be settled shortly. Please do not pay again."),
        ),
        State::Approved if purpose == Purpose::Sponsorship => (
            ("후원했습니다", "아티스트에게 전했습니다. 고맙습니다!"),
            ("Thank you", "The artist has it, and your words."),
        ),
        State::Approved if purpose == Purpose::Points => (
            ("포인트를 충전했습니다", "바로 쓸 수 있습니다."),
            ("The points are yours", "You can spend them at once."),
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
            ("결제하지 못했습니다", "결제되지 않았고, 잡아 둔 것은 모두 풀렸습니다."),
            ("The payment failed", "Nothing was charged, and nothing is held any more."),
        ),
        State::Expired => (
            ("결제 시간이 지났습니다", "결제되지 않았습니다. 처음부터 다시 해 주세요."),
            ("The time to pay is over", "Nothing was charged. Please begin anew."),
        ),
        State::Cancelled => (
            ("결제를 취소했습니다", "결제되지 않았고, 잡아 둔 것은 모두 풀렸습니다."),
            ("Payment cancelled", "Nothing was charged, and nothing is held any more."),
        ),
        State::Unknown => (
            ("결제 상태를 확인하고 있습니다", "잠시 뒤 내 결제에서 확인해 주세요. 다시 결제하지 마세요."),
            ("Your payment is being looked at", "See among your payments shortly. Please do not pay again."),
        ),
    };
    Localized { korean, english }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{id::MemberId, payment::amounts, time::Time};
    use store::{
        catalog::on_sale::OnSale,
        sales::payment::{Booking, Secret},
    };

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
    fn only_what_waits_can_be_called_off_by_a_button_that_is_no_link() {
        let context = Context::at(Time::now());
        let event = OnSale::from(&stack::event(50, context.now));
        let (quantity, end) = (2.try_into().unwrap(), context.now.plus(Duration::from_mins(15)));
        let amounts = amounts(event.price, quantity, None, Won::ZERO).unwrap();
        let (buyer, token) = (MemberId::generate(), Secret("token".into()));
        let booking = Booking::of(&event, quantity).into();
        let mut payment = Payment::reserved(buyer, booking, amounts, end, token, context.now);
        let button = r#"<form method="post" action="cancel">"#;
        for state in State::ALL {
            payment.state = *state;
            let page = ReturnPage::of(&payment, &context).render().unwrap();
            assert_eq!(page.contains(button), state.can_expire(), "{state}");
            assert!(!page.contains("href=\"cancel"), "{page}");
        }
    }

    #[test]
    fn what_others_wrote_is_shown_as_text_and_never_as_markup() {
        let language = Language::English;
        let (title, detail) = language.of(words(State::Approved, Purpose::Tickets));
        let page = ReturnPage {
            language,
            title,
            detail,
            labels: language.of(LABELS),
            bought: vec![("Event", "<script>alert(1)</script>".into())],
            cash: String::new(),
            payment: PaymentId::generate(),
            waits: false,
        };
        let page = page.render().unwrap();
        assert!(page.contains("The tickets are yours") && page.contains(r#"lang="en""#));
        assert!(page.contains("script&#62;") && !page.contains("<script>"), "{page}");
    }
}
