//! Text that people write, made comparable and countable.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_properties::UnicodeEmoji;
use unicode_segmentation::UnicodeSegmentation;

use crate::invalid::Invalid;

/// No letter that people write needs more code points than this. Without the limit, one "character" could be a megabyte.
const CODE_POINTS_PER_CHARACTER: usize = 8;

/// One line without anything hidden in it, `min` to `max` characters long as a person counts them; trimmed, in NFC, and with one
/// kind of space: what looks the same is the same.
pub(crate) fn line(text: &str, min: usize, max: usize) -> Result<String, Invalid> {
    let text: String = plain_spaces(text).nfc().collect();
    let text = text.trim();
    if text.chars().any(char::is_control) || hides_something(text) {
        return Err(Invalid::Characters);
    }
    with_length(text, min, max)
}

/// Text of any number of lines, otherwise as [`line()`]; text pasted from elsewhere may hold what can't be seen, but not that alone.
pub(crate) fn lines(text: &str, min: usize, max: usize) -> Result<String, Invalid> {
    let text: String = text.replace("\r\n", "\n").nfc().collect();
    let text = text.trim();
    let is_seen = |c: char| !c.is_whitespace() && !is_invisible(c) && !is_combining_mark(c);
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
        || !text.is_empty() && !text.chars().any(is_seen)
    {
        return Err(Invalid::Characters);
    }
    with_length(text, min, max)
}

/// The first letters of a text that can be seen, without those that can't.
pub(crate) fn shown(text: &str, most: usize) -> String {
    let text: String = plain_spaces(text).nfc().collect();
    let is_shown = |letter: &&str| !letter.chars().any(char::is_control) && !hides(letter);
    text.trim().graphemes(true).filter(is_shown).take(most).collect()
}

/// With ASCII's space for every other one of Unicode (`Zs`).
pub(crate) fn plain_spaces(text: &str) -> impl Iterator<Item = char> {
    let is_space = |c: char| c.is_whitespace() && !c.is_control() && !is_invisible(c);
    text.chars().map(move |c| if is_space(c) { ' ' } else { c })
}

fn with_length(text: &str, min: usize, max: usize) -> Result<String, Invalid> {
    let length = text.graphemes(true).count();
    let code_points = text.chars().count();
    if length < min || length > max || code_points > max * CODE_POINTS_PER_CHARACTER {
        return Err(Invalid::Length { min, max });
    }
    Ok(text.to_owned())
}

/// Whether something in a text can't be seen, and is not what an emoji is made of.
pub(crate) fn hides_something(text: &str) -> bool {
    text.graphemes(true).any(hides)
}

/// An accent alone is shown on whatever stands before the text, or not at all.
fn hides(letter: &str) -> bool {
    let letter: Vec<char> = letter.chars().collect();
    is_combining_mark(letter[0])
        || (0..letter.len()).any(|at| is_invisible(letter[at]) && !makes_emoji(&letter, at))
}

/// England, Scotland and Wales: any other flag of this kind is shown as a black one.
const TAGGED_FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// Whether a character that shows nothing has its place in an emoji (UTS #51): a joiner between two, a selector behind one, the
/// tags of a flag. Anywhere else it would make two texts that look the same.
fn makes_emoji(letter: &[char], at: usize) -> bool {
    let is_emoji = |at: usize| letter.get(at).is_some_and(|c| !c.is_ascii() && c.is_emoji_char());
    match letter[at] {
        '\u{200D}' => {
            let before = letter[..at].iter().rposition(|c| !is_selector(*c));
            before.is_some_and(is_emoji) && is_emoji(at + 1)
        }
        selector if is_selector(selector) => {
            let is_keycap = letter.get(at + 1) == Some(&'\u{20E3}');
            at > 0 && (is_emoji(at - 1) || at == 1 && is_keycap)
        }
        '\u{E0020}'..='\u{E007F}' => TAGGED_FLAGS.iter().any(|flag| {
            let tags = flag.bytes().filter_map(|byte| char::from_u32(0xE0000 + u32::from(byte)));
            let flag = std::iter::once('\u{1F3F4}').chain(tags).chain(['\u{E007F}']);
            flag.eq(letter.iter().copied())
        }),
        _ => false,
    }
}

/// Says whether the character before is shown as an emoji or as a letter.
fn is_selector(c: char) -> bool {
    matches!(c, '\u{FE0E}' | '\u{FE0F}')
}

/// Characters that show nothing or turn the text around them: names made of them look empty, or like another's. Unicode's
/// `Default_Ignorable_Code_Point`, the separators of lines, the blanks of Braille, music and Khitan, what stands for something
/// else, and what is no character.
fn is_invisible(c: char) -> bool {
    let is_none = u32::from(c) & 0xFFFE == 0xFFFE || matches!(c, '\u{FDD0}'..='\u{FDEF}');
    is_none
        || matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}'
        | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' // Hangul fillers
        | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{2800}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFD}'
        | '\u{16FE4}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D159}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn length_is_counted_as_a_person_does() {
        assert_eq!(line("👩‍👩‍👧‍👦", 1, 1).as_deref(), Ok("👩‍👩‍👧‍👦"));
        assert_eq!(line("각", 1, 1).as_deref(), Ok("각"), "jamo are put together");
        assert!(line("가나", 1, 1).is_err());
    }

    #[test]
    fn a_character_can_not_be_a_megabyte() {
        let tower = format!("a{}", "\u{0301}".repeat(1000));
        assert_eq!(line(&tower, 1, 20), Err(Invalid::Length { min: 1, max: 20 }));
        // q and an accent have no letter of their own. Two characters may have 16 code points, or one of them all.
        let tower = |accents| format!("q{}", "\u{0301}".repeat(accents));
        assert!(line(&tower(15), 1, 2).is_ok());
        assert!(line(&tower(16), 1, 2).is_err());
    }

    #[test]
    fn space_around_is_cut_and_alone_is_nothing() {
        assert_eq!(line("  한여름 밤 \u{3000}", 1, 20).as_deref(), Ok("한여름 밤"));
        assert_eq!(line(" \u{3000}", 1, 20), Err(Invalid::Length { min: 1, max: 20 }));
    }

    #[test]
    fn a_line_hides_nothing() {
        for hidden in [
            "a\0",
            "a\nb",
            "a\tb",
            "\u{3164}",
            "a\u{200B}b",
            "a\u{202E}b",
            "\u{FEFF}a",
            "\u{2800}",
            "\u{2800}\u{2800}",
            "a\u{2028}b",
            "a\u{FFFD}",
            "a\u{180E}b",
            "a\u{E0100}",
            "a\u{17B4}",
            // What emoji are made of, where there is none.
            "\u{200D}",
            "관\u{200D}리자",
            "관리자\u{200D}",
            "관리자\u{FE0F}",
            "1\u{FE0F}",
            "\u{FE0F}",
            "😀\u{200D}",
            "\u{200D}😀",
            "😀\u{200D}관",
            "a\u{E0067}",
            "😀\u{E0067}\u{E007F}",
            "🏴\u{E0067}",
            "1\u{200D}1",
            // A flag of nowhere is shown as one without tags.
            "🏴\u{E0061}\u{E007F}",
            "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}\u{E0061}\u{E007F}",
            // Nothing to stand on.
            "\u{0301}",
            " \u{0301}",
            "\u{20E3}",
            // Blank, whatever Unicode says of them.
            "\u{1D159}",
            "관\u{16FE4}리자",
            // No characters.
            "a\u{FFFF}",
            "a\u{FDD0}",
            "a\u{1FFFE}",
            // Fillers, selectors, and what turns the text around.
            "\u{FFA0}",
            "\u{115F}",
            "\u{FE00}",
            "\u{E0100}",
            "관\u{2066}리자",
            "관\u{200C}리자",
            "관\u{AD}리자",
            "❤\u{FE0F}\u{FE0F}",
        ] {
            assert_eq!(line(hidden, 1, 20), Err(Invalid::Characters), "{hidden:?}");
        }
    }

    #[test]
    fn emoji_are_letters_whatever_they_are_made_of() {
        for emoji in [
            "👩‍👩‍👧‍👦",
            "❤️",
            "❤︎",
            "❤️‍🔥",
            "👩🏽‍🚀",
            "1️⃣",
            "#️⃣",
            "🇰🇷",
            "🏳️‍🌈",
            "👁️‍🗨️",
            "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
            "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
            "🏴‍☠️",
            "👍🏽",
        ] {
            assert_eq!(line(emoji, 1, 1).as_deref(), Ok(emoji), "{emoji:?}");
        }
    }

    #[test]
    fn what_looks_the_same_is_the_same() {
        for typed in ["한여름\u{A0}밤", "한여름\u{3000}밤", "한여름\u{2009}밤"] {
            assert_eq!(line(typed, 1, 20).as_deref(), Ok("한여름 밤"));
        }
    }

    #[test]
    fn lines_may_break_and_hold_what_was_pasted() {
        assert_eq!(lines("하나\r\n\t둘\n", 1, 20).as_deref(), Ok("하나\n\t둘"));
        assert!(lines("a\u{200B}b", 1, 20).is_ok());
        assert_eq!(lines("a\u{1b}b", 1, 20), Err(Invalid::Characters));
        for blank in ["\u{2800}", "\u{200B}\n\u{200D}", "\u{3164}", "\u{0301}\n\u{0301}"] {
            assert_eq!(lines(blank, 1, 20), Err(Invalid::Characters), "{blank:?}");
        }
    }

    proptest! {
        #[test]
        fn accepted_text_is_canonical(text in "\\PC{0,30}") {
            if let Ok(once) = line(&text, 1, 20) {
                prop_assert_eq!(line(&once, 1, 20), Ok(once));
            }
        }
    }
}
