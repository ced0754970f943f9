use domain::{fault::Localized, language::Language};
use store::sales::payment::{Payment, Refund, Subject};

use crate::letter::{Words, sums};

/// To whoever has their money back. `None` of what only a newer program sells.
pub fn refunded(payment: &Payment, refund: &Refund, language: Language) -> Option<Words> {
    let (tickets, percent) = (refund.ticket_ids.len(), refund.percent.get());
    let went = match &payment.subject {
        Subject::Tickets(booking) => {
            let title = &booking.event_title;
            Localized {
                korean: format!("‘{title}’ 티켓 {tickets}장의 환불이 끝났습니다."),
                english: format!("{tickets} ticket(s) for ‘{title}’ went back."),
            }
        }
        Subject::Sponsorship(_) => Localized {
            korean: "아티스트 후원의 환불이 끝났습니다.".to_owned(),
            english: "What you gave an artist went back.".to_owned(),
        },
        Subject::Points => Localized {
            korean: "충전한 포인트의 환불이 끝났습니다.".to_owned(),
            english: "The points that you bought went back.".to_owned(),
        },
        Subject::Unknown => return None,
    };
    let (id, back) = (payment.id, sums(refund.cash, refund.points, language));
    let rest = language.of(Localized {
        korean: [
            format!("돌려 드린 금액: {back} (결제한 금액의 {percent}%)"),
            format!("결제 번호: {id}"),
        ],
        english: [
            format!("Given back: {back} ({percent} % of what was paid)"),
            format!("Payment: {id}"),
        ],
    });
    Some(Words {
        subject: language
            .of(Localized { korean: "환불이 끝났습니다", english: "Your money is back" }),
        paragraphs: [language.of(went)].into_iter().chain(rest).collect(),
        code: None,
        reason: language.of(Localized {
            korean: "이 주소를 쓰는 계정의 결제를 환불해서 보내 드리는 메일입니다. 카드사에 따라 며칠 뒤에 보일 수 있습니다.",
            english: "You get this because a payment of the account with this address went back. A card may show it some days later.",
        }),
    })
}
