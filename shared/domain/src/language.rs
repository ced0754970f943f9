//! The languages that we speak.

use serde::{Deserialize, Serialize};

use crate::fault::Localized;

/// A language that we answer and write in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// 한국어, for whoever does not ask for English.
    #[default]
    #[serde(rename = "ko")]
    Korean,
    /// English, and whichever a newer program knows.
    #[serde(rename = "en", other)]
    English,
}

impl Language {
    /// What it is called in headers and in HTML.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }

    /// A text in this language.
    pub fn of<T>(self, text: Localized<T>) -> T {
        match self {
            Self::Korean => text.korean,
            Self::English => text.english,
        }
    }
}
