//! What was typed on the other keyboard, or letter by letter: Korea's two-set layout.

use unicode_normalization::UnicodeNormalization;

const INITIALS: &str = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
const VOWELS: &str = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ";
const FINALS: &str = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";
const FIRST_SYLLABLE: u32 = '가' as u32;

/// The keys of letters that take two.
const PAIRS: [(char, char, char); 18] = [
    ('ㅗ', 'ㅏ', 'ㅘ'),
    ('ㅗ', 'ㅐ', 'ㅙ'),
    ('ㅗ', 'ㅣ', 'ㅚ'),
    ('ㅜ', 'ㅓ', 'ㅝ'),
    ('ㅜ', 'ㅔ', 'ㅞ'),
    ('ㅜ', 'ㅣ', 'ㅟ'),
    ('ㅡ', 'ㅣ', 'ㅢ'),
    ('ㄱ', 'ㅅ', 'ㄳ'),
    ('ㄴ', 'ㅈ', 'ㄵ'),
    ('ㄴ', 'ㅎ', 'ㄶ'),
    ('ㄹ', 'ㄱ', 'ㄺ'),
    ('ㄹ', 'ㅁ', 'ㄻ'),
    ('ㄹ', 'ㅂ', 'ㄼ'),
    ('ㄹ', 'ㅅ', 'ㄽ'),
    ('ㄹ', 'ㅌ', 'ㄾ'),
    ('ㄹ', 'ㅍ', 'ㄿ'),
    ('ㄹ', 'ㅎ', 'ㅀ'),
    ('ㅂ', 'ㅅ', 'ㅄ'),
];

const LATIN: &str = "qwertyuiopasdfghjklzxcvbnmQWERTOP";
const KOREAN: &str = "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡㅃㅉㄸㄲㅆㅒㅖ";

/// The text in the forms that keyboards make: full width narrowed, half width widened, letters alone put together.
pub(crate) fn plain(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{3000}' | '\u{FF01}'..='\u{FFEE}' => c.nfkc().map(alone).collect(),
        other => String::from(other),
    };
    let text: String = text.nfc().map(narrow).collect();
    // Stray letters are left as they are beside whole syllables: those are words that are still being typed.
    text.split(' ')
        .map(|word| {
            if !word.is_empty() && word.chars().all(is_letter) {
                compose(&letters(word))
            } else {
                word.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a Latin word is on the Korean keyboard, if that is Korean: two whole syllables or more.
pub(crate) fn korean(word: &str) -> Option<String> {
    // With Caps Lock nobody means the letters that take Shift.
    let is_locked = !word.contains(|c: char| c.is_ascii_lowercase());
    let pressed = |c: char| {
        let plain = swap(c.to_ascii_lowercase(), LATIN, KOREAN);
        if is_locked { plain } else { swap(c, LATIN, KOREAN).or(plain) }
    };
    let letters: Vec<char> = word.chars().map(pressed).collect::<Option<_>>()?;
    let korean = compose(&letters);
    let is_whole = korean.chars().nth(1).is_some() && !korean.chars().any(is_letter);
    is_whole.then_some(korean)
}

/// What a word was to be on the Latin keyboard, if it is none on the Korean one: there no vowel stands alone.
pub(crate) fn latin(word: &str) -> Option<String> {
    word.chars().any(|c| VOWELS.contains(c)).then_some(())?;
    letters(word).into_iter().map(|letter| swap(letter, KOREAN, LATIN)).collect()
}

/// Whether it is a word's first letters, such as ㅈㅈ for 재즈.
pub(crate) fn are_initials(word: &str) -> bool {
    word.chars().nth(1).is_some() && word.chars().all(|c| INITIALS.contains(c))
}

/// The initials of a word's syllables, two or more; nothing where it has other characters.
pub(crate) fn initials(word: &str) -> Option<String> {
    let initial = |c: char| {
        let place = u32::from(c).wrapping_sub(FIRST_SYLLABLE) / (21 * 28);
        ('가'..='힣').contains(&c).then(|| INITIALS.chars().nth(place as usize)).flatten()
    };
    word.chars().nth(1)?;
    word.chars().map(initial).collect()
}

/// Whether it is a Hangul letter by itself.
fn is_letter(c: char) -> bool {
    ('ㄱ'..='ㅣ').contains(&c)
}

/// A letter by itself, where Unicode normalises it into part of a syllable.
fn alone(c: char) -> char {
    let nth = |letters: &str, first: u32| letters.chars().nth((u32::from(c) - first) as usize);
    let letter = match c {
        '\u{1100}'..='\u{1112}' => nth(INITIALS, 0x1100),
        '\u{1161}'..='\u{1175}' => nth(VOWELS, 0x1161),
        '\u{11A8}'..='\u{11C2}' => nth(FINALS, 0x11A8),
        _ => None,
    };
    letter.unwrap_or(c)
}

/// The keys that are pressed for a word.
fn letters(word: &str) -> Vec<char> {
    let mut pressed = Vec::new();
    for letter in word.nfd().map(alone) {
        match PAIRS.iter().find(|(.., both)| *both == letter) {
            Some((first, second, _)) => pressed.extend([*first, *second]),
            None => pressed.push(letter),
        }
    }
    pressed
}

/// Letters as syllables, as far as they make some.
fn compose(letters: &[char]) -> String {
    let mut text = String::new();
    let mut rest = letters;
    while let [first, after @ ..] = rest {
        match syllable(rest) {
            Some((syllable, after)) => {
                text.push(syllable);
                rest = after;
            }
            None => {
                text.push(*first);
                rest = after;
            }
        }
    }
    text
}

/// The syllable that letters begin with, and what follows it.
fn syllable(letters: &[char]) -> Option<(char, &[char])> {
    let [initial, rest @ ..] = letters else { return None };
    let initial = place(*initial, INITIALS)?;
    let (vowel, rest) = one_or_two(rest, VOWELS)?;
    // A consonant before a vowel begins the next syllable.
    let begins_next = |rest: &[char]| rest.first().is_some_and(|next| VOWELS.contains(*next));
    let ends = |end: &Option<(u32, &[char])>| end.is_some_and(|(_, rest)| !begins_next(rest));
    let end = Some(one_or_two(rest, FINALS)).filter(ends).flatten();
    let end = end.or_else(|| Some(one(rest, FINALS)).filter(ends).flatten());
    let (end, rest) = end.map_or((0, rest), |(end, rest)| (end + 1, rest));
    let syllable = char::from_u32(FIRST_SYLLABLE + (initial * 21 + vowel) * 28 + end)?;
    Some((syllable, rest))
}

fn one<'a>(letters: &'a [char], among: &str) -> Option<(u32, &'a [char])> {
    let [letter, rest @ ..] = letters else { return None };
    Some((place(*letter, among)?, rest))
}

fn one_or_two<'a>(letters: &'a [char], among: &str) -> Option<(u32, &'a [char])> {
    if let [first, second, rest @ ..] = letters
        && let Some((.., both)) = PAIRS.iter().find(|pair| (pair.0, pair.1) == (*first, *second))
        && let Some(place) = place(*both, among)
    {
        return Some((place, rest));
    }
    one(letters, among)
}

fn place(letter: char, among: &str) -> Option<u32> {
    among.chars().zip(0..).find(|(one, _)| *one == letter).map(|(_, place)| place)
}

/// The character at the same place of the other keyboard.
fn swap(c: char, from: &str, to: &str) -> Option<char> {
    to.chars().nth(place(c, from)? as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_letters_are_read_as_the_korean_keys_they_lie_on() {
        for (typed, meant) in [
            ("wowm", "재즈"),
            ("rhddus", "공연"),
            ("ehdP", "도예"),
            ("ekfqlcthrmrwkd", "달빛소극장"),
            ("WOWM", "재즈"),
            ("dlfrdma", "읽음"),
            ("dhkTek", "왔다"),
        ] {
            let read = korean(typed);
            assert_eq!(read.as_deref(), Some(meant), "{typed}");
        }
        for word in ["jazz", "folk", "so", "재즈", "3d", ""] {
            assert_eq!(korean(word), None, "{word}");
        }
    }

    #[test]
    fn korean_that_is_none_is_read_as_latin() {
        for (typed, meant) in [
            ("ㅓㅁㅋㅋ", "jazz"),
            ("ㅅ갸ㅐ", "trio"),
            ("ㅠㅣㅕㄷ", "blue"),
            ("ㅡ디ㅣㅐㅈ", "mellow"),
        ] {
            assert_eq!(latin(typed).as_deref(), Some(meant), "{typed}");
        }
        for word in ["재즈", "ㅈㅈ", "고양ㅇ", "jazz"] {
            assert_eq!(latin(word), None, "{word}");
        }
    }

    #[test]
    fn every_form_of_a_letter_becomes_the_one_that_is_written() {
        let decomposed: String = "재즈".nfd().collect();
        for typed in ["재즈", "ㅈㅐㅈㅡ", "ﾸￃﾸￚ", &decomposed] {
            assert_eq!(plain(typed), "재즈", "{typed}");
        }
        assert_eq!(plain("ＪＡＺＺ　공연"), "JAZZ 공연");
        assert_eq!(plain("붉은 ㄷ"), "붉은 ㄷ");
        assert_eq!(plain("고양ㅇ"), "고양ㅇ");
    }

    #[test]
    fn initials_are_those_of_syllables() {
        assert_eq!(initials("재즈").as_deref(), Some("ㅈㅈ"));
        assert_eq!(initials("Jazz밤"), None);
        assert!(are_initials("ㅈㅈ") && !are_initials("ㅈ") && !are_initials("재ㅈ"));
    }
}
