use domain::{fault::Localized, language::Language, time::Time};
use store::sales::waiting::Waiting;

use crate::letter::{Words, moment};

/// To whom seats are offered that they waited for. `None` when that is over.
pub fn waiting_list_offer(waiting: &Waiting, language: Language, now: Time) -> Option<Words> {
    let until = moment(waiting.open_offer(now)?.ends_at);
    let Waiting { event_title: title, event_id, quantity, .. } = waiting;
    let paragraphs = language.of(Localized {
        korean: [
            format!("‘{title}’ 티켓 {quantity}장이 나왔습니다."),
            format!("{until} (한국 시간)까지 이 자리를 잡아 둡니다. 그때까지 사지 않으시면 다음 분께 넘어갑니다."),
            format!("공연 번호: {event_id}"),
        ],
        english: [
            format!("{quantity} ticket(s) for ‘{title}’ came back."),
            format!("They are kept for you until {until} (Korean time). If you don't buy them by then, they go to the next."),
            format!("Event: {event_id}"),
        ],
    });
    Some(Words {
        subject: language.of(Localized {
            korean: "기다리시던 자리가 나왔습니다",
            english: "The seats you wait for are there",
        }),
        paragraphs: paragraphs.to_vec(),
        code: None,
        reason: language.of(Localized {
            korean: "이 주소를 쓰는 계정이 이 공연의 대기 명단에 있어서 보내 드리는 메일입니다.",
            english: "You get this because the account with this address is on the waiting list of that event.",
        }),
    })
}
