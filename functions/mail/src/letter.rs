//! How every mail looks: the same words as a page, which needs no picture and fits a phone, and as text.

use askama::Template;
use domain::{language::Language, time::Time};
use gateways::ses::Letter;

/// The words of a mail.
pub struct Words {
    /// The subject, and the heading.
    pub subject: &'static str,
    /// What it says, a paragraph each.
    pub paragraphs: Vec<String>,
    /// What stands large and alone, to be read and typed.
    pub code: Option<String>,
    /// Why it came, and what to do if it should not have.
    pub reason: &'static str,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct Page<'a> {
    language: Language,
    words: &'a Words,
}

#[derive(Template)]
#[template(path = "letter.txt", escape = "none")]
struct Text<'a> {
    language: Language,
    words: &'a Words,
}

impl Words {
    /// As it is mailed.
    ///
    /// # Errors
    /// When a template can't be filled in: a defect of ours.
    pub fn letter(&self, language: Language) -> Result<Letter, askama::Error> {
        Ok(Letter {
            subject: match language {
                Language::Korean => format!("[소극장] {}", self.subject),
                Language::English => format!("[Spotlight Space] {}", self.subject),
            },
            html: Page { language, words: self }.render()?,
            text: Text { language, words: self }.render()?,
        })
    }
}

/// A moment as people read one: `2026-12-24 19:30`, on Korea's clock.
pub fn moment(time: Time) -> String {
    String::from(time).replace('T', " ").chars().take("2026-12-24 19:30".len()).collect()
}
