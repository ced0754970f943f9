//! How every mail looks: the same words as a page, which needs no picture and fits a phone, and as text.

use askama::Template;
use domain::{fault::Localized, language::Language, time::Time, won::Won};
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

/// Cash and points as people read them: `30,000원, 1,500포인트`; of two, what is nothing is left out.
pub fn sums(cash: Won, points: Won, language: Language) -> String {
    let (won, of_points) =
        language.of(Localized { korean: ("원", "포인트"), english: (" won", " points") });
    let cash_or_nothing = (!cash.is_zero() || points.is_zero()).then(|| thousands(cash) + won);
    let points = (!points.is_zero()).then(|| thousands(points) + of_points);
    cash_or_nothing.into_iter().chain(points).collect::<Vec<_>>().join(", ")
}

/// `1,234,567`.
fn thousands(amount: Won) -> String {
    let digits = amount.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_as_people_write_them() {
        for (cash, points, korean, english) in [
            (0, 0, "0원", "0 won"),
            (999, 0, "999원", "999 won"),
            (1_234_567, 1_000, "1,234,567원, 1,000포인트", "1,234,567 won, 1,000 points"),
            (0, 50, "50포인트", "50 points"),
        ] {
            let told = |language| sums(Won::new(cash), Won::new(points), language);
            assert_eq!(
                (told(Language::Korean).as_str(), told(Language::English).as_str()),
                (korean, english)
            );
        }
    }
}
