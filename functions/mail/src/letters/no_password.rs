use domain::{fault::Localized, language::Language};

use crate::letter::Words;

/// To whoever wants a new password for an account that has none.
pub fn no_password(language: Language) -> Words {
    let paragraphs: [&str; 2] = language.of(Localized {
        korean: [
            "새 비밀번호를 요청하셨지만, 이 주소의 계정에는 비밀번호가 없습니다.",
            "카카오나 네이버로 로그인해 주세요.",
        ],
        english: [
            "You asked for a new password, but the account with this address has none.",
            "Sign in through Kakao or Naver.",
        ],
    });
    Words {
        subject: language.of(Localized {
            korean: "비밀번호가 없는 계정입니다",
            english: "Your account has no password",
        }),
        paragraphs: paragraphs.map(str::to_owned).to_vec(),
        code: None,
        reason: language.of(Localized {
            korean: "본인이 아니라면 이 메일을 지워 주세요. 계정은 그대로입니다.",
            english: "If it was not you, delete this mail: nothing about your account has changed.",
        }),
    }
}
