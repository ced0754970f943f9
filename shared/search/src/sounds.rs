//! What sounds alike in Korean, and is written now so, now so: 재즈, 제즈 and 째즈.

use unicode_normalization::UnicodeNormalization;

/// Each sounds like the next one; the last of a group like the first.
const ALIKE: [&[char]; 8] = [
    &['\u{1162}', '\u{1166}'],             // ㅐ ㅔ
    &['\u{1164}', '\u{1168}'],             // ㅒ ㅖ
    &['\u{116B}', '\u{116C}', '\u{1170}'], // ㅙ ㅚ ㅞ
    &['\u{1100}', '\u{1101}'],             // ㄱ ㄲ
    &['\u{1103}', '\u{1104}'],             // ㄷ ㄸ
    &['\u{1107}', '\u{1108}'],             // ㅂ ㅃ
    &['\u{1109}', '\u{110A}'],             // ㅅ ㅆ
    &['\u{110C}', '\u{110D}'],             // ㅈ ㅉ
];

/// So many are looked for; each costs a query.
const MOST: usize = 6;

/// The word with one letter by another that sounds like it: two syllables or more, since most of one syllable would be words.
pub(crate) fn alike(word: &str) -> Vec<String> {
    if word.chars().nth(1).is_none() {
        return Vec::new();
    }
    let letters: Vec<char> = word.nfd().collect();
    let with = |place: usize, letter: char| {
        let changed =
            letters.iter().enumerate().map(|(at, old)| if at == place { letter } else { *old });
        changed.nfc().collect::<String>()
    };
    let places = letters.iter().enumerate();
    places
        .flat_map(|(place, letter)| others(*letter).map(move |other| (place, other)))
        .map(|(place, other)| with(place, other))
        .take(MOST)
        .collect()
}

fn others(letter: char) -> impl Iterator<Item = char> {
    let group = ALIKE.iter().find(|group| group.contains(&letter)).copied().unwrap_or_default();
    group.iter().copied().filter(move |other| *other != letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_sounds_like_another() {
        assert_eq!(alike("제즈"), ["쩨즈", "재즈", "제쯔"]);
        assert!(alike("째즈").contains(&"재즈".to_owned()));
        assert!(alike("에니메이션").contains(&"애니메이션".to_owned()));
        assert!(alike("게").is_empty() && alike("jazz").is_empty());
        assert_eq!(alike("사사사사사사사사").len(), MOST);
    }
}
