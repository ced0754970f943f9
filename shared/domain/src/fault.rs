//! What goes wrong, in the words of the business. Only the HTTP border knows which status that is.

use std::error::Error;
use std::time::Duration;

/// The kinds of trouble that a caller can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nobody, or nobody we believe, is asking.
    Unauthenticated,
    /// The one who asks may not do this.
    Forbidden,
    /// There is no such thing, or none that the one who asks may know of.
    NotFound,
    /// A rule of the business says no: the sale has ended, the seats are gone, the points are too few.
    Refused,
    /// The thing is in a state that does not allow this.
    Conflict,
    /// The thing was changed since it was read.
    Stale,
    /// Too often, too fast.
    TooMany,
    /// What was sent is not valid.
    Invalid,
    /// Something we depend on does not answer. It did not happen, and may be tried again.
    Unavailable,
    /// It cannot be told whether it happened: to be settled, never just repeated.
    Unknown,
    /// A defect of ours.
    Internal,
}

/// What a refusal is called, and what people are told of it. [`codes!`](crate::codes!) declares it: a code without words can't be
/// written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Stable, in `SCREAMING_SNAKE`: what a program reads.
    pub name: &'static str,
    /// What kind of trouble it is.
    pub kind: Kind,
    /// What went wrong, in a few words.
    pub title: Localized<&'static str>,
    /// What to do about it.
    pub detail: Localized<&'static str>,
}

impl Code {
    /// A code with its title and detail, first in Korean and then in English. That neither stands in the other's place is
    /// checked when it is compiled.
    #[doc(hidden)]
    pub const fn new(
        name: &'static str,
        kind: Kind,
        korean: (&'static str, &'static str),
        english: (&'static str, &'static str),
    ) -> Self {
        assert!(!korean.0.is_ascii() && !korean.1.is_ascii(), "Korean comes first");
        assert!(english.0.is_ascii() && english.1.is_ascii(), "English comes second");
        assert!(!english.0.is_empty() && !english.1.is_empty(), "English is missing");
        Self {
            name,
            kind,
            title: Localized { korean: korean.0, english: english.0 },
            detail: Localized { korean: korean.1, english: english.1 },
        }
    }
}

impl PartialEq<&str> for Code {
    fn eq(&self, name: &&str) -> bool {
        self.name == *name
    }
}

/// Declares the codes of a crate, each with its kind and with what people are told, in its one place: `src/codes.rs`.
///
/// ```
/// domain::codes! {
///     Refused SOLD_OUT {
///         "매진되었습니다": "남은 자리가 모자랍니다.",
///         "Sold out": "There are not enough seats left.",
///     }
/// }
/// ```
#[macro_export]
macro_rules! codes {
    ($($kind:ident $name:ident {
        $korean_title:literal: $korean:literal,
        $title:literal: $detail:literal,
    })+) => {$(
        #[doc = $title]
        pub const $name: $crate::fault::Code = $crate::fault::Code::new(
            stringify!($name),
            $crate::fault::Kind::$kind,
            ($korean_title, $korean),
            ($title, $detail),
        );
    )+};
}

/// The same in each language that we answer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Localized<T> {
    /// 한국어.
    pub korean: T,
    /// English.
    pub english: T,
}

impl<T> Localized<T> {
    /// The same change in each language.
    pub fn map<U>(self, change: impl Fn(T) -> U) -> Localized<U> {
        Localized { korean: change(self.korean), english: change(self.english) }
    }
}

/// Implemented by every error that can end a request.
pub trait Fault: Error + Send + Sync + 'static {
    /// What it is called, and what people are told.
    fn code(&self) -> Code;

    /// When trying again makes sense.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_speaks_one_language_in_the_others_place() {
        let (korean, english) =
            (("매진", "자리가 모자랍니다."), ("Sold out", "No seats are left."));
        let code = |korean, english| {
            std::panic::catch_unwind(|| Code::new("SOLD_OUT", Kind::Refused, korean, english))
        };
        let sold_out = code(korean, english).unwrap();
        assert!(sold_out == "SOLD_OUT" && sold_out != "NOT_FOUND");
        assert!(code(english, korean).is_err());
        assert!(code(("", ""), english).is_err());
        assert!(code(korean, ("", "")).is_err());
        assert!(code(korean, korean).is_err());
    }

    #[derive(Debug, thiserror::Error)]
    #[error("broken")]
    struct Broken;

    impl Fault for Broken {
        fn code(&self) -> Code {
            Code::new(
                "BROKEN",
                Kind::Internal,
                ("고장", "고장입니다."),
                ("Broken", "It is broken."),
            )
        }
    }

    #[test]
    fn nobody_is_asked_to_try_again_unless_a_fault_says_when() {
        assert_eq!(Broken.retry_after(), None);
    }
}
