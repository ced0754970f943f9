use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use crate::invalid::Invalid;
use crate::schema;

/// The passwords that are tried first, in lower case, sorted, one a line; shorter ones are refused for their length.
const COMMON: &str = include_str!("common_passwords.txt");

const MIN: usize = 8;
const MAX: usize = 64;

/// A password that somebody chooses: 8 to 64 characters of any kind, and not a common one.
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
        let lower = password.to_lowercase();
        if COMMON.lines().any(|common| common == lower) {
            return Err(Invalid::CommonPassword);
        }
        Ok(Self(password))
    }
}

has_schema!(
    Password,
    schema::text(
        "8 to 64 characters of any kind; common passwords are refused.",
        "보랏빛 무대 뒤의 고양이"
    )
    .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
        utoipa::openapi::KnownFormat::Password
    )))
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
    schema::text("The password chosen at sign-up.", "보랏빛 무대 뒤의 고양이")
        .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
            utoipa::openapi::KnownFormat::Password
        )))
        .min_length(Some(1))
        .max_length(Some(MAX))
);

/// In NFC, as RFC 8265 asks: keyboards differ in how they put Hangul together, and the password is the same.
fn canonical(given: &str) -> String {
    given.nfc().collect()
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
