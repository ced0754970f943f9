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
