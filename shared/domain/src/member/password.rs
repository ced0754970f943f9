use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;
use utoipa::openapi::KnownFormat;

use crate::invalid::Invalid;
use crate::member::{Email, Nickname};
use crate::schema;
use crate::text::{hides_something, plain_spaces};

/// The passwords that are tried first, in lower case, sorted, one a line; shorter ones are refused for their length. Those of
/// the 30,000 that zxcvbn (MIT, (c) Dropbox) counted most often, and what Koreans type: their words on an English keyboard.
const COMMON: &str = include_str!("common_passwords.txt");

const MIN: usize = 8;
const MAX: usize = 64;
const EXAMPLE: &str = "보랏빛 무대 뒤의 고양이";

/// A password that somebody chooses: 8 to 64 characters of any kind that can be seen, and not a common one.
///
/// It is never stored, shown or logged: there is no `Serialize`, and `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl FromStr for Password {
    type Err = Invalid;

    fn from_str(given: &str) -> Result<Self, Invalid> {
        let password = canonical(given);
        if !(MIN..=MAX).contains(&password.chars().count()) {
            return Err(Invalid::Length { min: MIN, max: MAX });
        }
        if password.chars().any(char::is_control) || hides_something(&password) {
            return Err(Invalid::Characters);
        }
        let lower = password.to_lowercase();
        if COMMON.lines().any(|common| common == lower) {
            return Err(Invalid::CommonPassword);
        }
        Ok(Self(password))
    }
}

impl Password {
    /// Checks that it is not what everybody can read of its owner, however that is spaced and in whichever case.
    ///
    /// # Errors
    /// [`Invalid::OwnName`].
    pub fn not_named_after(
        &self,
        email: Option<&Email>,
        nickname: &Nickname,
    ) -> Result<(), Invalid> {
        let bare = |text: &str| text.to_lowercase().split_whitespace().collect::<String>();
        let address = email.map(Email::as_str);
        let local = address.and_then(|address| address.split('@').next());
        let own = bare(&self.0);
        let mut names = [Some(nickname.as_str()), address, local].into_iter().flatten();
        if names.any(|name| bare(name) == own) { Err(Invalid::OwnName) } else { Ok(()) }
    }
}

has_schema!(
    Password,
    schema::formatted(
        "8 to 64 characters of any kind that can be seen; common passwords are refused, and one's own e-mail address and nickname.",
        EXAMPLE,
        KnownFormat::Password
    )
    .min_length(Some(MIN))
    .max_length(Some(MAX))
);

/// A password that somebody claims is theirs. It need not be one we would accept today, only one worth hashing.
#[derive(Clone, PartialEq, Eq)]
pub struct GivenPassword(String);

impl FromStr for GivenPassword {
    type Err = Invalid;

    fn from_str(given: &str) -> Result<Self, Invalid> {
        let password = canonical(given);
        if !(1..=MAX).contains(&password.chars().count()) {
            return Err(Invalid::Length { min: 1, max: MAX });
        }
        Ok(Self(password))
    }
}

has_schema!(
    GivenPassword,
    schema::formatted("The password chosen at sign-up.", EXAMPLE, KnownFormat::Password)
        .min_length(Some(1))
        .max_length(Some(MAX))
);

/// As RFC 8265 (`OpaqueString`) asks: with one kind of space, and in NFC. Keyboards differ in the space they type and in how they
/// put Hangul together, and the password is the same. Old Hangul's letters, which the RFC would refuse, are how some type it, and
/// so are emoji.
fn canonical(given: &str) -> String {
    plain_spaces(given).nfc().collect()
}

macro_rules! secret {
    ($name:ident) => {
        impl $name {
            /// The password itself, to be hashed and nothing else.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(given: String) -> Result<Self, Invalid> {
                given.parse()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

secret!(Password);
secret!(GivenPassword);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_8_to_64_characters_of_any_kind() {
        for good in ["보랏빛무대고양이", "a 👩‍🚀\u{1F3AD}한b9", &"가".repeat(64)] {
            assert_eq!(good.parse::<Password>().unwrap().expose(), good);
        }
        // What can't be seen is pasted along with the rest, and never typed again.
        for wrong in [
            "보랏빛\t무대 고양이",
            "보랏빛 무대\0고양이",
            "보랏빛\u{2028}무대 고양이",
            "보랏빛 무대\u{200B} 고양이",
            "\u{FEFF}보랏빛 무대 고양이",
            "보랏빛\u{200D} 무대 고양이",
            &"\u{FFFD}".repeat(8),
            &"\u{3164}".repeat(8),
        ] {
            assert_eq!(wrong.parse::<Password>(), Err(Invalid::Characters), "{wrong:?}");
        }
        for wrong in ["", "보랏빛무대고양", &"가".repeat(65)] {
            let refused = Password::try_from(wrong.to_owned()).unwrap_err();
            assert_eq!(refused, Invalid::Length { min: 8, max: 64 }, "{wrong}");
        }
    }

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        for common in
            ["password123", "PassWord123", "qwertyuiop", "12345678", "qlalfqjsgh", "Sunshine1"]
        {
            assert_eq!(common.parse::<Password>(), Err(Invalid::CommonPassword), "{common}");
        }
    }

    #[test]
    fn a_password_is_not_what_its_owner_is_called() {
        let email: Email = "mina.kim-2026@example.com".parse().unwrap();
        let nickname: Nickname = "무대 위의 미나 씨".parse().unwrap();
        for own in
            ["mina.kim-2026@example.com", "Mina.Kim-2026", "무대위의미나씨요", "무대 위의 미나 씨"]
        {
            let password: Password = own.parse().unwrap();
            let refused = password.not_named_after(Some(&email), &nickname).is_err();
            assert_eq!(refused, !own.ends_with('요'), "{own}");
        }
    }

    #[test]
    fn the_list_of_common_passwords_is_sorted_and_holds_nothing_useless() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() > 3_000, "ASVS 6.2.4");
        assert!(lines.is_sorted_by(|a, b| a < b));
        for line in lines {
            assert_eq!(canonical(line).to_lowercase(), line);
            assert!(line.chars().count() >= MIN, "{line}");
        }
    }

    #[test]
    fn one_password_typed_on_two_keyboards_is_one() {
        let composed: Password = "한글비밀번호열자".parse().unwrap();
        let decomposed: String = composed.expose().nfd().collect();
        assert_eq!(decomposed.parse::<Password>().unwrap(), composed);
        assert_eq!(decomposed.parse::<GivenPassword>().unwrap().expose(), composed.expose());
    }

    #[test]
    fn one_password_typed_with_other_spaces_is_one() {
        let plain: Password = "보랏빛 무대 고양이".parse().unwrap();
        for space in ["\u{A0}", "\u{3000}", "\u{2009}", "\u{202F}", "\u{1680}"] {
            let typed = plain.expose().replace(' ', space);
            assert_eq!(typed.parse::<Password>().unwrap(), plain, "{space:?}");
            assert_eq!(typed.parse::<GivenPassword>().unwrap().expose(), plain.expose());
        }
        for other in ["보랏빛무대고양이", "보랏빛 무대 고양이 ", "보랏빛  무대 고양이"]
        {
            assert_ne!(other.parse::<Password>().unwrap(), plain, "{other:?}");
        }
        // The RFC joins no widths.
        let narrow: Password = "stage-1234".parse().unwrap();
        assert_ne!("stage-１２３４".parse::<Password>().unwrap(), narrow);
    }

    #[test]
    fn a_given_password_need_not_be_a_good_one() {
        assert!("1234".parse::<GivenPassword>().is_ok());
        assert!(GivenPassword::try_from(String::new()).is_err());
        assert!("가".repeat(65).parse::<GivenPassword>().is_err());
    }

    #[test]
    fn a_password_does_not_show_itself() {
        let password: Password = "보랏빛 무대 고양이".parse().unwrap();
        let given: GivenPassword = "1234".parse().unwrap();
        assert_eq!(format!("{password:?} {given:?}"), "Password(…) GivenPassword(…)");
    }
}
