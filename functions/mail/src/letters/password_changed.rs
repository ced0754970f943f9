use domain::{fault::Localized, language::Language, time::Time};

use crate::letter::{Words, moment};

/// To whoever has an account with a new password.
pub fn password_changed(at: Time, language: Language) -> Words {
    let at = moment(at);
    let paragraphs = language.of(Localized {
        korean: [
            format!("{at} (한국 시간)에 비밀번호가 바뀌었고, 다른 기기에서는 로그아웃되었습니다."),
            "본인이 바꾸었다면 더 할 일은 없습니다.".to_owned(),
        ],
        english: [
            format!("The password was changed at {at} (Korean time), and all other devices were signed out."),
            "If it was you, there is nothing else to do.".to_owned(),
        ],
    });
    Words {
        subject: language.of(Localized {
            korean: "비밀번호가 바뀌었습니다",
            english: "Your password was changed",
        }),
        paragraphs: paragraphs.to_vec(),
        code: None,
        reason: language.of(Localized {
            korean: "본인이 아니라면 로그인 화면에서 바로 새 비밀번호를 요청해 주세요. 그러면 모든 기기에서 로그아웃됩니다.",
            english: "If it was not you, ask for a new password where you sign in, at once: that signs out every device.",
        }),
    }
}
