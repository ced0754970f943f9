use domain::{fault::Localized, language::Language};
use store::sales::payment::{Booking, Payment};

use crate::letter::{Words, moment, sums};

/// To whoever has paid. `None` of what was paid for no tickets.
pub fn receipt(payment: &Payment, language: Language) -> Option<Words> {
    let booking = payment.booking()?;
    let (id, Booking { event_title: title, place, .. }) = (payment.id, booking);
    let (tickets, at) = (booking.quantity.get(), moment(booking.schedule.starts_at()));
    let paid = sums(payment.amounts.cash, payment.amounts.points, language);
    let paragraphs = language.of(Localized {
        korean: [
            format!("‘{title}’ 티켓 {tickets}장을 예매했습니다."),
            format!("일시: {at} (한국 시간) · 장소: {place}"),
            format!("결제한 금액: {paid}"),
            format!("결제 번호: {id}"),
        ],
        english: [
            format!("You have {tickets} ticket(s) for ‘{title}’."),
            format!("When: {at} (Korean time) · Where: {place}"),
            format!("Paid: {paid}"),
            format!("Payment: {id}"),
        ],
    });
    Some(Words {
        subject: language
            .of(Localized { korean: "예매가 끝났습니다", english: "Your tickets are booked" }),
        paragraphs: paragraphs.to_vec(),
        code: None,
        reason: language.of(Localized {
            korean: "이 주소를 쓰는 계정으로 예매해서 보내 드리는 메일입니다. 얼마를 돌려받을 수 있는지는 예매 내역에서 언제든지 볼 수 있습니다.",
            english: "You get this because the account with this address bought tickets. What would go back of it you see with your payment, at any time.",
        }),
    })
}
