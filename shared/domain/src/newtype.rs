//! The three shapes of a value that comes from outside. Each macro writes what all values of its shape share.

/// A string, checked and made canonical by a function.
///
/// `words` are what people write, of a length between two others, both allowed: `fn(&str, usize, usize) -> Result<String, _>`.
/// `personal` values, `fn(&str) -> Result<String, _>`, don't show themselves in `Debug` and have no `Display`, so that they
/// can't reach a log by accident.
macro_rules! text {
    ($(#[doc = $doc:literal])+ personal $name:ident, $check:expr, $schema:expr) => {
        text!(@value [$($doc)+] $name, $check, $schema);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
    ($(#[doc = $doc:literal])+ words $name:ident, $check:expr, $min:literal..=$max:literal, example $example:literal) => {
        text!(
            @value [$($doc)+] $name,
            |given: &str| $check(given, $min, $max),
            |doc| $crate::schema::text(doc, $example)
                .min_length(Some($min))
                .max_length(Some($max))
                .pattern(Some(r"\S"))
        );

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
    (@value [$($doc:literal)+] $name:ident, $check:expr, $schema:expr) => {
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text, in its canonical form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::invalid::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $check(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::invalid::Invalid;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        has_schema!($name, $schema(concat!($($doc, "\n"),+)));
    };
}

/// A whole number between two others, both allowed.
macro_rules! number {
    ($(#[doc = $doc:literal])+ $name:ident($inner:ty), $min:literal..=$max:literal, example $example:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "i64")]
        pub struct $name($inner);

        impl $name {
            /// The smallest there is.
            pub const MIN: Self = Self($min);
            /// The largest there is.
            pub const MAX: Self = Self($max);

            /// The number.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl TryFrom<i64> for $name {
            type Error = $crate::invalid::Invalid;

            fn try_from(number: i64) -> Result<Self, Self::Error> {
                match <$inner>::try_from(number) {
                    Ok(inner) if ($min..=$max).contains(&inner) => Ok(Self(inner)),
                    _ => Err($crate::invalid::Invalid::Range { min: $min, max: $max }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        has_schema!($name, $crate::schema::number(concat!($($doc, "\n"),+), $min, $max, $example));
    };
}

/// One of a few named values, written the same everywhere: in JSON, in the database, in a query. That is `SCREAMING_SNAKE`, but
/// for what stands in a query string or a path.
///
/// A value that only a newer program knows is read as `Unknown` and shown as `UNKNOWN`; nobody may send it, and an item that has it
/// keeps it. `given` ones come from callers alone and are never read back, so they have none.
macro_rules! choice {
    ($(#[doc = $doc:literal])+ given $name:ident { $($(#[doc = $what:literal])+ $variant:ident = $text:literal,)+ }) => {
        choice!(@value [$($doc)+] $name [] { $($(#[doc = $what])+ $variant = $text,)+ });
    };
    ($(#[doc = $doc:literal])+ $name:ident $(as $called:literal)? { $($(#[doc = $what:literal])+ $variant:ident = $text:literal,)+ }) => {
        choice!(@value [$($doc)+] $name $(as $called)? [Unknown = "UNKNOWN"] { $($(#[doc = $what])+ $variant = $text,)+ });
    };
    (@value [$($doc:literal)+] $name:ident $(as $called:literal)? [$($unknown:ident = $shown:literal)?] {
        $($(#[doc = $what:literal])+ $variant:ident = $text:literal,)+
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[doc = $what])+ #[serde(rename = $text)] $variant,)+
            $(
                /// What only a newer program knows.
                #[serde(rename = $shown, other)]
                $unknown,
            )?
        }

        impl $name {
            /// Every value that we know, in the order of its definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// How every value that we know is written, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// How it is written.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    $(Self::$unknown => $shown,)?
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::invalid::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::invalid::Invalid::Choice { allowed: Self::NAMES }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::invalid::Invalid;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        has_schema!($name $(as $called)?, $crate::schema::choice(concat!($($doc, "\n"),+), Self::NAMES, &[$($shown)?]));
    };
}
