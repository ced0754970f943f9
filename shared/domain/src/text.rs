//! Text that people write, made comparable and countable.

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::invalid::Invalid;

/// No letter that people write needs more code points than this. Without the limit, one "character" could be a megabyte.
const CODE_POINTS_PER_CHARACTER: usize = 8;

/// One line without anything hidden in it, `min` to `max` characters long as a person counts them; trimmed, in NFC.
pub(crate) fn line(text: &str, min: usize, max: usize) -> Result<String, Invalid> {
    let text: String = text.nfc().collect();
    let text = text.trim();
    if text.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err(Invalid::Characters);
    }
    with_length(text, min, max)
}

/// Text of any number of lines, otherwise as [`line()`]; text pasted from elsewhere may hold what can't be seen.
pub(crate) fn lines(text: &str, min: usize, max: usize) -> Result<String, Invalid> {
    let text: String = text.replace("\r\n", "\n").nfc().collect();
    let text = text.trim();
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Invalid::Characters);
    }
    with_length(text, min, max)
}

fn with_length(text: &str, min: usize, max: usize) -> Result<String, Invalid> {
    let length = text.graphemes(true).count();
    let code_points = text.chars().count();
    if length < min || length > max || code_points > max * CODE_POINTS_PER_CHARACTER {
        return Err(Invalid::Length { min, max });
    }
    Ok(text.to_owned())
}

/// Characters that show nothing or turn the text around them: names made of them look empty, or like another's.
/// U+200D joins emoji and stays allowed.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}'
        | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' // Hangul fillers
        | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
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
        for hidden in ["a\0", "a\nb", "a\tb", "\u{3164}", "a\u{200B}b", "a\u{202E}b", "\u{FEFF}a"] {
            assert_eq!(line(hidden, 1, 20), Err(Invalid::Characters), "{hidden:?}");
        }
    }

    #[test]
    fn lines_may_break_and_hold_what_was_pasted() {
        assert_eq!(lines("하나\r\n\t둘\n", 1, 20).as_deref(), Ok("하나\n\t둘"));
        assert!(lines("a\u{200B}b", 1, 20).is_ok());
        assert_eq!(lines("a\u{1b}b", 1, 20), Err(Invalid::Characters));
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
