//! Who somebody is.

mod code;
mod email;
mod identity;
mod password;

pub use code::{AskedPurpose, CodePurpose, MailedCode};
pub use email::Email;
pub use identity::{Provider, ProviderId};
pub use password::{GivenPassword, Password};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::openapi::KnownFormat;

use crate::invalid::Invalid;
use crate::time::{Day, Time};
use crate::{schema, text};

text!(
    /// The name a member is shown by: 1 to 20 characters as a person counts them.
    words Nickname, text::line, 1..=20, example "별빛소극장"
);

impl Nickname {
    /// What can be shown of a name from elsewhere, where the rules are others: without what hides, and cut. `None` if that is nothing.
    pub fn shown_of(name: &str) -> Option<Self> {
        text::shown(name, 20).parse().ok()
    }

    /// What stands where somebody's name stood who has left.
    pub fn of_nobody() -> Self {
        Self("탈퇴한 회원".to_owned())
    }
}

text!(
    /// A Korean mobile number. Nobody else has the same. Whichever other form people write it in is read, too.
    personal Phone,
    phone,
    |doc| schema::text(doc, PHONE_EXAMPLE).pattern(Some("^010-[0-9]{4}-[0-9]{4}$"))
);

const PHONE_EXAMPLE: &str = "010-1234-5678";

/// Read in whichever form people write one, and kept in one: with or without hyphens, from abroad, in full-width digits.
fn phone(given: &str) -> Result<String, Invalid> {
    let not_one = || Invalid::Format { expected: PHONE_EXAMPLE };
    let between = |c: &char| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '\u{2010}'..='\u{2015}');
    // Nobody writes more than this.
    let bare: String = given.chars().take(40).nfkc().filter(between).collect();
    let abroad = bare.strip_prefix("+82").map(|rest| rest.strip_prefix('0').unwrap_or(rest));
    let number = abroad.or_else(|| bare.strip_prefix('0')).and_then(|rest| rest.strip_prefix("10"));
    let number = number.filter(|it| it.len() == 8 && it.bytes().all(|byte| byte.is_ascii_digit()));
    let (first, second) = number.and_then(|it| it.split_at_checked(4)).ok_or_else(not_one)?;
    Ok(format!("010-{first}-{second}"))
}

/// The day a member was born: 1900-01-01 or later, and 14 years ago or more. No younger child becomes a member (Personal
/// Information Protection Act, art. 22-2). What is stored was checked when it came, by the rules of that day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BirthDate(Day);

impl BirthDate {
    const FIRST: &str = "1900-01-01";

    /// Checks a day against today's in Korea.
    ///
    /// # Errors
    /// [`Invalid::PastDay`] when the day is not past, or too long past; [`Invalid::Under14`].
    pub fn new(day: Day, today: Day) -> Result<Self, Invalid> {
        if day >= today || day < Self::FIRST.parse()? {
            return Err(Invalid::PastDay { first: Self::FIRST });
        }
        let born = Self(day);
        if born.is_of_age(today) { Ok(born) } else { Err(Invalid::Under14) }
    }

    /// Whether who was born then is 14 today, by the day in Korea.
    pub fn is_of_age(self, today: Day) -> bool {
        today.is_birthday_or_later(self.0, 14)
    }

    /// The day.
    pub const fn day(self) -> Day {
        self.0
    }
}

impl FromStr for BirthDate {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::new(text.parse()?, Time::now().korean_day())
    }
}

impl TryFrom<String> for BirthDate {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate(…)")
    }
}

has_schema!(
    BirthDate,
    schema::formatted(
        "The day a member was born: 1900-01-01 or later, and 14 years ago or more (`UNDER_14`).",
        "1995-03-14",
        KnownFormat::Date
    )
);

/// `true`: what somebody declares of themselves and can't take back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared;

impl TryFrom<bool> for Declared {
    type Error = Invalid;

    fn try_from(declared: bool) -> Result<Self, Invalid> {
        if declared { Ok(Self) } else { Err(Self::TRUE_ALONE) }
    }
}

impl Declared {
    /// Why nothing else is taken.
    pub const TRUE_ALONE: Invalid = Invalid::Choice { allowed: &["true"] };
}

has_schema!(Declared, schema::declared("`true`: is declared, and can't be taken back."));

choice!(
    /// What a member may do.
    Role {
        /// Buys, and reviews.
        User = "USER",
        /// Publishes events, too.
        Artist = "ARTIST",
        /// Keeps the place clean. Made by an operator's command, never by a route.
        Admin = "ADMIN",
    }
);

choice!(
    /// What somebody may sign up as. Nobody makes themselves an admin.
    given SignUpRole {
        /// Buys, and reviews.
        User = "USER",
        /// Publishes events, too.
        Artist = "ARTIST",
    }
);

impl From<SignUpRole> for Role {
    fn from(role: SignUpRole) -> Self {
        match role {
            SignUpRole::User => Self::User,
            SignUpRole::Artist => Self::Artist,
        }
    }
}

choice!(
    /// The region a member lives in: one of Korea's 17 provinces and metropolitan cities.
    Location {
        /// 서울특별시
        Seoul = "SEOUL",
        /// 부산광역시
        Busan = "BUSAN",
        /// 대구광역시
        Daegu = "DAEGU",
        /// 인천광역시
        Incheon = "INCHEON",
        /// 광주광역시
        Gwangju = "GWANGJU",
        /// 대전광역시
        Daejeon = "DAEJEON",
        /// 울산광역시
        Ulsan = "ULSAN",
        /// 세종특별자치시
        Sejong = "SEJONG",
        /// 경기도
        Gyeonggi = "GYEONGGI",
        /// 강원특별자치도
        Gangwon = "GANGWON",
        /// 충청북도
        Chungbuk = "CHUNGBUK",
        /// 충청남도
        Chungnam = "CHUNGNAM",
        /// 전북특별자치도
        Jeonbuk = "JEONBUK",
        /// 전라남도
        Jeonnam = "JEONNAM",
        /// 경상북도
        Gyeongbuk = "GYEONGBUK",
        /// 경상남도
        Gyeongnam = "GYEONGNAM",
        /// 제주특별자치도
        Jeju = "JEJU",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nickname_has_1_to_20_characters() {
        assert_eq!("  별빛 ".parse::<Nickname>().unwrap().as_str(), "별빛");
        assert_eq!("가".repeat(20).parse::<Nickname>().unwrap().to_string(), "가".repeat(20));
        for wrong in ["", "   ", &"가".repeat(21)] {
            assert_eq!(wrong.parse::<Nickname>().unwrap_err().code(), "LENGTH", "{wrong}");
        }
    }

    #[test]
    fn of_a_name_from_elsewhere_what_can_be_shown_is_kept() {
        for (name, shown) in [
            ("별빛", "별빛"),
            ("  별\u{200B}빛\n ", "별빛"),
            ("\u{202E}별빛", "별빛"),
            ("👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"),
            (" 한여름\u{3000}밤", "한여름 밤"),
            (&"가".repeat(50), &"가".repeat(20)),
            (&format!("{} 나", "가".repeat(19)), &"가".repeat(19)),
        ] {
            assert_eq!(Nickname::shown_of(name).unwrap().as_str(), shown, "{name:?}");
        }
        for nothing in ["", " ", "\u{3164}", "\n", "\u{200B}\u{2060}"] {
            assert_eq!(Nickname::shown_of(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_phone_number_is_a_korean_mobile_one_in_whichever_form_and_kept_in_one() {
        for good in [
            "010-1234-5678",
            "01012345678",
            "010 1234 5678",
            "010.1234.5678",
            " 010-1234-5678 ",
            "(010) 1234-5678",
            "+82 10-1234-5678",
            "+821012345678",
            "+82 (0)10 1234 5678",
            "010-１２３４-5678",
            "０１０－１２３４－５６７８",
            "010–1234–5678",
        ] {
            assert_eq!(good.parse::<Phone>().unwrap().as_str(), "010-1234-5678", "{good}");
        }
        for wrong in [
            "",
            "011-1234-5678",
            "02-123-4567",
            "010-123-4567",
            "010-1234-56789",
            "010-1234-567a",
            "+81 10-1234-5678",
            "82 10-1234-5678",
            "10-1234-5678",
            "010-1234-567٨",
            &"0".repeat(60_000),
        ] {
            assert_eq!(Phone::try_from(wrong.to_owned()).unwrap_err().code(), "FORMAT", "{wrong}");
        }
    }

    #[test]
    fn a_birth_date_is_14_years_past_and_not_before_1900() {
        for (today, day, code) in [
            ("2026-11-23", "1899-12-31", "RANGE"),
            ("2026-11-23", "1900-01-01", ""),
            ("2026-11-23", "2012-11-23", ""),
            ("2026-11-23", "2012-11-24", "UNDER_14"),
            ("2026-11-23", "2026-11-22", "UNDER_14"),
            ("2026-11-23", "2026-11-23", "RANGE"),
            // 2026 has no 29 February: who was born on one is 14 on the day after the 28th.
            ("2026-02-28", "2012-02-28", ""),
            ("2026-02-28", "2012-02-29", "UNDER_14"),
            ("2026-03-01", "2012-02-29", ""),
            ("2026-03-01", "2012-03-01", ""),
            ("2028-02-29", "2014-03-01", "UNDER_14"),
        ] {
            let born = BirthDate::new(day.parse().unwrap(), today.parse().unwrap());
            assert_eq!(born.as_ref().err().map_or("", Invalid::code), code, "{day} on {today}");
        }
        let stored = serde_json::from_str::<BirthDate>("\"2025-01-01\"");
        assert!(stored.is_ok(), "what is stored is read, whatever the rule was when it came");
        assert_eq!("9999-01-01".parse::<BirthDate>().unwrap_err().code(), "RANGE");
        assert_eq!("1995-3-14".parse::<BirthDate>().unwrap_err().code(), "FORMAT");
    }

    #[test]
    fn personal_values_do_not_show_themselves() {
        let email: Email = "mina@example.com".parse().unwrap();
        let phone: Phone = "010-1234-5678".parse().unwrap();
        let born: BirthDate = "1995-03-14".parse().unwrap();
        assert_eq!(format!("{email:?} {phone:?} {born:?}"), "Email(…) Phone(…) BirthDate(…)");
        let json = serde_json::to_string(&(&email, &phone, born)).unwrap();
        assert_eq!(json, r#"["mina@example.com","010-1234-5678","1995-03-14"]"#);
        assert_eq!(
            serde_json::from_str::<(Email, Phone, BirthDate)>(&json).unwrap(),
            (email, phone, born)
        );
    }

    #[test]
    fn nobody_signs_up_as_an_admin() {
        let refused = "ADMIN".parse::<SignUpRole>().unwrap_err();
        assert_eq!(refused, Invalid::Choice { allowed: &["USER", "ARTIST"] });
        assert_eq!(Role::from(SignUpRole::Artist), Role::Artist);
        assert_eq!(Role::from(SignUpRole::User), Role::User);
    }

    #[test]
    fn a_choice_is_written_the_same_everywhere() {
        assert_eq!(Location::ALL.len(), 17);
        for (value, name) in Location::ALL.iter().zip(Location::NAMES) {
            assert_eq!(name.parse(), Ok(*value));
            assert_eq!(Location::try_from(value.to_string()), Ok(*value));
            assert_eq!(serde_json::to_value(value).unwrap(), *name);
        }
        assert_eq!("seoul".parse::<Location>().unwrap_err().code(), "CHOICE");
    }
}
