use domain::{fault::Localized, language::Language};

use crate::letter::Words;

/// To whoever has an account at an address with which somebody wanted one: the page that was asked tells nobody.
pub fn known(language: Language) -> Words {
    let paragraphs: [&str; 2] = language.of(Localized {
        korean: [
            "이 주소로 누군가 가입하려고 했지만, 이미 이 주소를 쓰는 계정이 있습니다.",
            "본인이라면 그대로 로그인해 주세요. 비밀번호가 생각나지 않으면 새 비밀번호를 요청할 수 있습니다.",
        ],
        english: [
            "Somebody wanted to use this address for an account, but there is one with it already.",
            "If it was you, just sign in. If you don't remember the password, ask for a new one.",
        ],
    });
    Words {
        subject: language.of(Localized {
            korean: "이미 가입되어 있습니다",
            english: "You have an account already",
        }),
        paragraphs: paragraphs.map(str::to_owned).to_vec(),
        code: None,
        reason: language.of(Localized {
            korean: "본인이 아니라면 이 메일을 지워 주세요. 계정은 그대로입니다.",
            english: "If it was not you, delete this mail: nothing about your account has changed.",
        }),
    }
}
