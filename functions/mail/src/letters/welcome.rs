use domain::{fault::Localized, language::Language, member::Nickname};

use crate::letter::Words;

/// To a new member.
pub fn welcome(nickname: &Nickname, language: Language) -> Words {
    let paragraphs = language.of(Localized {
        korean: [
            format!("{nickname} 님, 어서 오세요. 이제 작은 무대들을 찾아 예매할 수 있습니다."),
            "좋아하는 아티스트를 팔로우하면 새 공연이 올라올 때 알려 드립니다.".to_owned(),
        ],
        english: [
            format!("Welcome, {nickname}. The small stages are yours to find and to book."),
            "Follow an artist, and you will hear of their next show.".to_owned(),
        ],
    });
    Words {
        subject: language.of(Localized { korean: "가입을 환영합니다", english: "Welcome" }),
        paragraphs: paragraphs.to_vec(),
        code: None,
        reason: language.of(Localized {
            korean: "이 주소로 가입이 끝나서 보내 드리는 메일입니다.",
            english: "You get this because an account with this address was made.",
        }),
    }
}
