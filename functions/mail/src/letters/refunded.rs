use domain::{fault::Localized, language::Language};
use store::sales::payment::{Payment, Refund};

use crate::letter::{Words, sums};

/// To whoever has their money back. `None` of what was paid for no tickets.
pub fn refunded(payment: &Payment, refund: &Refund, language: Language) -> Option<Words> {
    let booking = payment.booking()?;
    let (id, title) = (payment.id, &booking.event_title);
    let (tickets, percent) = (refund.ticket_ids.len(), refund.percent.get());
    let back = sums(refund.cash, refund.points, language);
    let paragraphs = language.of(Localized {
        korean: [
            format!("‘{title}’ 티켓 {tickets}장의 환불이 끝났습니다."),
            format!("돌려 드린 금액: {back} (결제한 금액의 {percent}%)"),
            format!("결제 번호: {id}"),
        ],
        english: [
            format!("{tickets} ticket(s) for ‘{title}’ went back."),
            format!("Given back: {back} ({percent} % of what was paid)"),
            format!("Payment: {id}"),
        ],
    });
    Some(Words {
        subject: language
            .of(Localized { korean: "환불이 끝났습니다", english: "Your money is back" }),
        paragraphs: paragraphs.to_vec(),
        code: None,
        reason: language.of(Localized {
            korean: "이 주소를 쓰는 계정으로 예매한 티켓을 환불해서 보내 드리는 메일입니다. 카드사에 따라 며칠 뒤에 보일 수 있습니다.",
            english: "You get this because tickets of the account with this address went back. A card may show it some days later.",
        }),
    })
}
