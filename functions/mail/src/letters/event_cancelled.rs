use domain::{fault::Localized, language::Language};
use store::sales::payment::{Booking, Payment};

use crate::letter::{Words, moment};

/// To whoever has tickets of an event that does not take place. `None` of what was paid for no tickets.
pub fn event_cancelled(payment: &Payment, language: Language) -> Option<Words> {
    let booking = payment.booking()?;
    let (id, Booking { event_title: title, place, .. }) = (payment.id, booking);
    let at = moment(booking.schedule.starts_at());
    let paragraphs = language.of(Localized {
        korean: [
            format!("‘{title}’ · {at} (한국 시간) · {place}"),
            "예매하신 공연이 열리지 않습니다. 죄송합니다.".to_owned(),
            "남은 티켓에 결제하신 금액을 모두 돌려 드립니다. 따로 하실 일은 없으며, 끝나면 다시 알려 드립니다.".to_owned(),
            format!("결제 번호: {id}"),
        ],
        english: [
            format!("‘{title}’ · {at} (Korean time) · {place}"),
            "It does not take place. We are sorry.".to_owned(),
            "All that you paid for the tickets you have goes back. There is nothing for you to do, and we write again when it is back.".to_owned(),
            format!("Payment: {id}"),
        ],
    });
    Some(Words {
        subject: language.of(Localized {
            korean: "예매하신 공연이 취소되었습니다",
            english: "Your event is cancelled",
        }),
        paragraphs: paragraphs.to_vec(),
        code: None,
        reason: language.of(Localized {
            korean: "이 주소를 쓰는 계정에 이 공연의 티켓이 있어서 보내 드리는 메일입니다.",
            english: "You get this because the account with this address has tickets of that event.",
        }),
    })
}
