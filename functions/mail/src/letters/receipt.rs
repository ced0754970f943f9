use domain::{fault::Localized, language::Language};
use store::sales::payment::{Booking, Payment, Subject};

use crate::letter::{Words, moment, sums};

/// To whoever has paid. `None` of what only a newer program sells.
pub fn receipt(payment: &Payment, language: Language) -> Option<Words> {
    let (subject, bought) = match &payment.subject {
        Subject::Tickets(booking) => {
            let Booking { event_title: title, place, quantity, .. } = booking;
            let at = moment(booking.schedule.starts_at());
            let subject = Localized {
                korean: "예매가 끝났습니다",
                english: "Your tickets are booked",
            };
            let bought = Localized {
                korean: vec![
                    format!("‘{title}’ 티켓 {quantity}장을 예매했습니다."),
                    format!("일시: {at} (한국 시간) · 장소: {place}"),
                ],
                english: vec![
                    format!("You have {quantity} ticket(s) for ‘{title}’."),
                    format!("When: {at} (Korean time) · Where: {place}"),
                ],
            };
            (subject, bought)
        }
        Subject::Sponsorship(_) => {
            let subject =
                Localized { korean: "후원했습니다", english: "Thank you for your gift" };
            let bought = Localized {
                korean: vec!["아티스트를 후원했습니다. 고맙습니다!".to_owned()],
                english: vec!["You gave an artist something. Thank you!".to_owned()],
            };
            (subject, bought)
        }
        Subject::Points => {
            let subject = Localized {
                korean: "포인트를 충전했습니다",
                english: "Your points are there",
            };
            let bought = Localized {
                korean: vec!["충전한 포인트는 바로 쓸 수 있습니다.".to_owned()],
                english: vec!["You can spend what you bought at once.".to_owned()],
            };
            (subject, bought)
        }
        Subject::Unknown => return None,
    };
    let id = payment.id;
    let paid = sums(payment.amounts.cash, payment.amounts.points, language);
    let mut paragraphs = language.of(bought);
    paragraphs.extend(language.of(Localized {
        korean: [format!("결제한 금액: {paid}"), format!("결제 번호: {id}")],
        english: [format!("Paid: {paid}"), format!("Payment: {id}")],
    }));
    Some(Words {
        subject: language.of(subject),
        paragraphs,
        code: None,
        reason: language.of(Localized {
            korean: "이 주소를 쓰는 계정으로 결제해서 보내 드리는 메일입니다. 얼마를 돌려받을 수 있는지는 결제 내역에서 언제든지 볼 수 있습니다.",
            english: "You get this because the account with this address paid. What would go back of it you see with your payment, at any time.",
        }),
    })
}
