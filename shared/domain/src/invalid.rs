//! Why one value was refused, told in both languages.

use crate::fault::Localized;

/// The reason why a value that came from outside was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.detail().english)]
pub enum Invalid {
    /// Too short or too long; both ends are allowed, counted in characters as a person counts them.
    Length {
        /// The shortest length allowed.
        min: usize,
        /// The longest length allowed.
        max: usize,
    },
    /// Too small or too large a number; both ends are allowed.
    Range {
        /// The smallest number allowed.
        min: i64,
        /// The largest number allowed.
        max: i64,
    },
    /// Neither zero nor between two numbers; both ends are allowed.
    ZeroOrRange {
        /// The smallest number allowed but for zero.
        min: i64,
        /// The largest number allowed.
        max: i64,
    },
    /// Not written as it should be.
    Format {
        /// A well-written example. It is shown in both languages, so it holds no words.
        expected: &'static str,
    },
    /// Holds control characters, or ones that nobody can see.
    Characters,
    /// Not one of the values there are.
    Choice {
        /// The values there are.
        allowed: &'static [&'static str],
    },
    /// Must be later than another field.
    After {
        /// The other field, as it is written in JSON.
        field: &'static str,
    },
    /// Must not be later than another field; the same moment is allowed.
    NotAfter {
        /// The other field, as it is written in JSON.
        field: &'static str,
    },
    /// Must be later than now.
    Past,
    /// Not a day between the first one allowed and yesterday, in Korea.
    PastDay {
        /// The first day allowed.
        first: &'static str,
    },
    /// Born less than 14 years ago.
    Under14,
    /// One of the passwords that are tried first.
    CommonPassword,
    /// A password that says what everybody can read of its owner.
    OwnName,
    /// Not given, though another field asks for it.
    Missing,
    /// Given, though another field has no place for it.
    NotHere,
    /// Gives buyers less than they have.
    Stricter,
    /// What has begun can't begin at another time.
    Started,
    /// Earlier than people were told, and so soon that they may not hear of it.
    Notice {
        /// How many hours they have at least.
        hours: u32,
    },
}

impl Invalid {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Length { .. } => "LENGTH",
            Self::Range { .. } | Self::ZeroOrRange { .. } | Self::PastDay { .. } => "RANGE",
            Self::Format { .. } | Self::Characters => "FORMAT",
            Self::Choice { .. } => "CHOICE",
            Self::After { .. } => "AFTER",
            Self::Past => "PAST",
            Self::NotAfter { .. } => "NOT_AFTER",
            Self::Under14 => "UNDER_14",
            Self::CommonPassword => "COMMON_PASSWORD",
            Self::OwnName => "OWN_NAME",
            Self::Missing => "MISSING",
            Self::NotHere => "UNKNOWN_FIELD",
            Self::Stricter => "STRICTER",
            Self::Started => "STARTED",
            Self::Notice { .. } => "NOTICE",
        }
    }

    /// The reason, for a person.
    pub fn detail(&self) -> Localized<String> {
        let (korean, english) = match self {
            Self::Length { min, max } => (
                format!("{min}자 이상 {max}자 이하로 입력해 주세요."),
                format!("must be {min} to {max} characters long"),
            ),
            Self::Range { min, max } => (
                format!("{min} 이상 {max} 이하의 정수여야 합니다."),
                format!("must be a whole number from {min} to {max}"),
            ),
            Self::ZeroOrRange { min, max } => (
                format!("0이거나 {min} 이상 {max} 이하의 정수여야 합니다."),
                format!("must be 0, or a whole number from {min} to {max}"),
            ),
            Self::Format { expected } => (
                format!("다음과 같은 형식으로 입력해 주세요: {expected}"),
                format!("must be written like {expected}"),
            ),
            Self::Characters => (
                "제어 문자나 보이지 않는 문자는 쓸 수 없습니다.".into(),
                "must not contain control or invisible characters".into(),
            ),
            Self::Choice { allowed } => {
                let allowed = allowed.join(", ");
                (format!("다음 중 하나여야 합니다: {allowed}"), format!("must be one of {allowed}"))
            }
            Self::After { field } => {
                (format!("{field}보다 늦어야 합니다."), format!("must be after {field}"))
            }
            Self::NotAfter { field } => {
                (format!("{field}보다 늦을 수 없습니다."), format!("must not be after {field}"))
            }
            Self::Past => ("지난 시각일 수 없습니다.".into(), "must not be over".into()),
            Self::PastDay { first } => (
                format!("{first}부터 어제까지의 날짜여야 합니다."),
                format!("must be a past day, {first} or later"),
            ),
            Self::Under14 => {
                ("만 14세부터 가입할 수 있습니다.".into(), "must be 14 years ago or more".into())
            }
            Self::CommonPassword => {
                ("너무 흔한 비밀번호입니다.".into(), "is too common a password".into())
            }
            Self::OwnName => (
                "이메일이나 닉네임은 비밀번호로 쓸 수 없습니다.".into(),
                "must not be your e-mail address or nickname".into(),
            ),
            Self::Missing => ("꼭 있어야 하는 항목입니다.".into(), "is required here".into()),
            Self::NotHere => ("여기에는 쓰지 않는 항목입니다.".into(), "has no place here".into()),
            Self::Stricter => (
                "구매자에게 더 유리한 쪽으로만 바꿀 수 있습니다.".into(),
                "can only become more generous".into(),
            ),
            Self::Started => {
                ("이미 시작되어 바꿀 수 없습니다.".into(), "has begun and can't be changed".into())
            }
            Self::Notice { hours } => (
                format!("앞당기려면 지금부터 {hours}시간 이상 남아 있어야 합니다."),
                format!("must be {hours} hours from now or more, if it is to be earlier"),
            ),
        };
        Localized { korean, english }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_and_words_in_both_languages() {
        let reasons = [
            (Invalid::Length { min: 1, max: 20 }, "LENGTH", "20자"),
            (Invalid::Range { min: 1, max: 4 }, "RANGE", "4 이하"),
            (Invalid::Format { expected: "010-1234-5678" }, "FORMAT", "010-1234-5678"),
            (Invalid::Characters, "FORMAT", "문자"),
            (Invalid::Choice { allowed: &["USER", "ARTIST"] }, "CHOICE", "USER, ARTIST"),
            (Invalid::After { field: "startsAt" }, "AFTER", "startsAt"),
            (Invalid::NotAfter { field: "endsAt" }, "NOT_AFTER", "endsAt"),
            (Invalid::Past, "PAST", "지난"),
            (Invalid::PastDay { first: "1900-01-01" }, "RANGE", "1900-01-01"),
            (Invalid::Under14, "UNDER_14", "만 14세"),
            (Invalid::CommonPassword, "COMMON_PASSWORD", "비밀번호"),
            (Invalid::OwnName, "OWN_NAME", "닉네임"),
            (Invalid::Missing, "MISSING", "꼭"),
            (Invalid::NotHere, "UNKNOWN_FIELD", "여기"),
            (Invalid::Stricter, "STRICTER", "유리한"),
            (Invalid::Started, "STARTED", "시작"),
            (Invalid::Notice { hours: 24 }, "NOTICE", "24시간"),
        ];
        for (reason, code, word) in reasons {
            assert_eq!(reason.code(), code);
            let detail = reason.detail();
            assert!(detail.korean.contains(word), "{}", detail.korean);
            assert!(detail.english.is_ascii(), "{}", detail.english);
            assert_eq!(reason.to_string(), detail.english);
        }
    }
}
