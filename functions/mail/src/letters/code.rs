use domain::{
    fault::Localized,
    language::Language,
    member::{CodePurpose, MailedCode},
};

use crate::letter::Words;

/// A code that somebody asked for.
pub fn code(code: &MailedCode, purpose: CodePurpose, language: Language) -> Words {
    let subject = language.of(match purpose {
        CodePurpose::SignUp => {
            Localized { korean: "이메일 인증", english: "Your e-mail address" }
        }
        CodePurpose::NewPassword => {
            Localized { korean: "새 비밀번호", english: "A new password" }
        }
        CodePurpose::LinkIdentity => {
            Localized { korean: "간편 로그인 연결", english: "Another way to sign in" }
        }
        CodePurpose::VerifyEmail | CodePurpose::Unknown => {
            Localized { korean: "이메일 인증", english: "Your e-mail address" }
        }
    });
    let what = language.of(match purpose {
        CodePurpose::SignUp => Localized {
            korean: "아래 코드를 입력하면 가입이 끝납니다.",
            english: "Type this code, and the account is yours.",
        },
        CodePurpose::NewPassword => Localized {
            korean: "아래 코드를 입력하고 새 비밀번호를 정해 주세요.",
            english: "Type this code, and choose a new password.",
        },
        CodePurpose::LinkIdentity => Localized {
            korean: "아래 코드를 입력하면 이 계정에 간편 로그인이 연결됩니다.",
            english: "Type this code, and your account can be signed in to that way, too.",
        },
        CodePurpose::VerifyEmail | CodePurpose::Unknown => Localized {
            korean: "아래 코드를 입력하면 이메일 주소가 확인됩니다.",
            english: "Type this code to show that the address is yours.",
        },
    });
    let life = language.of(Localized {
        korean: "코드는 5분 동안 쓸 수 있습니다. 누구에게도, 저희에게도 알려 주지 마세요.",
        english: "It is good for 5 minutes. Tell it to nobody, not even to us.",
    });
    Words {
        subject,
        paragraphs: vec![what.into(), life.into()],
        code: Some(code.as_str().to_owned()),
        reason: language.of(Localized {
            korean: "누군가 이 주소로 코드를 요청했습니다. 본인이 아니라면 이 메일을 지워 주세요. 코드를 모르면 아무 일도 일어나지 않습니다.",
            english: "Somebody asked for a code for this address. If it was not you, delete this mail: without the code nothing happens.",
        }),
    }
}
