use domain::{
    device::{Country, Device},
    fault::Localized,
    language::Language,
    time::Time,
};

use crate::letter::{Words, moment};

/// To whoever has an account that somebody signed in to with what nobody had before.
pub fn new_device(
    device: &Device,
    country: Option<Country>,
    at: Time,
    language: Language,
) -> Words {
    let words: Vec<_> = [&device.browser, &device.system].into_iter().flatten().cloned().collect();
    let unknown =
        language.of(Localized { korean: "알 수 없는 기기", english: "an unknown device" });
    let what = if words.is_empty() { unknown.to_owned() } else { words.join(" · ") };
    let place = country.map(|country| format!(" ({})", country.as_str())).unwrap_or_default();
    let at = moment(at);
    let paragraphs = language.of(Localized {
        korean: [
            format!("{at} (한국 시간)에 처음 보는 기기에서 로그인했습니다: {what}{place}."),
            "본인이라면 더 할 일은 없습니다.".to_owned(),
        ],
        english: [
            format!("Somebody signed in at {at} (Korean time) from a device that was not used before: {what}{place}."),
            "If it was you, there is nothing else to do.".to_owned(),
        ],
    });
    Words {
        subject: language.of(Localized {
            korean: "새 기기에서 로그인했습니다",
            english: "Signed in from a new device",
        }),
        paragraphs: paragraphs.to_vec(),
        code: None,
        reason: language.of(Localized {
            korean: "본인이 아니라면 비밀번호를 바꿔 주세요. 그러면 다른 모든 기기에서 로그아웃됩니다.",
            english: "If it was not you, change your password: that signs out every other device.",
        }),
    }
}
