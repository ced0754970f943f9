use domain::{fault::Localized, language::Language, time::Time};

use crate::letter::{Words, moment};

/// To whoever has left.
pub fn account_deleted(at: Time, language: Language) -> Words {
    let at = moment(at);
    let paragraphs = language.of(Localized {
        korean: [
            format!("{at} (한국 시간)에 계정이 삭제되었고, 모든 기기에서 로그아웃되었습니다."),
            "개인정보는 지금 지워지고 있으며, 남은 포인트는 사라졌습니다. 결제 기록은 법에 따라 누구의 것인지 알 수 없게 하여 5년 동안 보관합니다.".to_owned(),
        ],
        english: [
            format!("The account was deleted at {at} (Korean time), and all devices were signed out."),
            "What is personal is being erased now, and what points there were are gone. What was paid is kept for five years, as the law wants it, under a number that leads to nobody.".to_owned(),
        ],
    });
    Words {
        subject: language.of(Localized {
            korean: "계정이 삭제되었습니다",
            english: "Your account was deleted",
        }),
        paragraphs: paragraphs.to_vec(),
        code: None,
        reason: language.of(Localized {
            korean: "이 주소를 쓰던 계정에 보내는 마지막 메일입니다. 언제든지 다시 가입할 수 있습니다.",
            english: "It is the last mail to the account that had this address. You may sign up again at any time.",
        }),
    }
}
