//! Hangul as the keys that are pressed for it, so that a slip of one key is one edit and a syllable that is still being
//! typed is the beginning of the finished one. OpenSearch's own way to do this is a plugin that is not everywhere.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use crate::keyboard;

/// The keys of the final consonants U+11A8 to U+11C2. The key of a final is that of the same consonant at the beginning:
/// who types 재즈 sees 쟂 on the way.
const FINALS: [&str; 27] = [
    "ᄀ", "ᄁ", "ᄀᄉ", "ᄂ", "ᄂᄌ", "ᄂᄒ", "ᄃ", "ᄅ", "ᄅᄀ", "ᄅᄆ", "ᄅᄇ", "ᄅᄉ", "ᄅᄐ",
    "ᄅᄑ", "ᄅᄒ", "ᄆ", "ᄇ", "ᄇᄉ", "ᄉ", "ᄊ", "ᄋ", "ᄌ", "ᄎ", "ᄏ", "ᄐ", "ᄑ", "ᄒ",
];

/// A word, or words run together, are compared up to so many syllables.
const LONGEST: usize = 12;

/// The words of a text in lower case, whole syllables composed, without what is between them.
pub(crate) fn words(text: &str) -> Vec<String> {
    let text: String = text.nfc().flat_map(char::to_lowercase).collect();
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The keys of a word's first syllables. A single syllable stays whole, so that no longer word is one edit away from it.
pub(crate) fn keys(word: &str) -> String {
    let start: String = word.chars().take(LONGEST).collect();
    let mut keys = String::new();
    if start.chars().nth(1).is_none() {
        return start;
    }
    for jamo in start.nfkd() {
        match FINALS.get((jamo as usize).wrapping_sub(0x11A8)) {
            Some(pressed) => keys.push_str(pressed),
            None => keys.push(jamo),
        }
    }
    keys
}

/// What is indexed of a text: from the beginning of each word on, spaces left out, the keys of the first syllable, of the
/// first two, and so on. Thus a compound is found by its beginning, a word without its particle, and words by themselves
/// or written together, while an edit is always compared with whole syllables.
pub(crate) fn beginnings(text: &str) -> String {
    let words = words(text);
    let mut all = BTreeSet::new();
    for first in 0..words.len() {
        let mut begun = String::new();
        for syllable in words[first..].iter().flat_map(|word| word.chars()).take(LONGEST) {
            begun.push(syllable);
            all.insert(keys(&begun));
        }
    }
    Vec::from_iter(all).join(" ")
}

/// The initials of each word, and of it with those that follow.
pub(crate) fn initials(text: &str) -> String {
    let words = words(text);
    let runs =
        (0..words.len()).map(|first| words[first..].concat().chars().take(LONGEST).collect());
    let all: BTreeSet<_> = words
        .iter()
        .cloned()
        .chain(runs)
        .filter_map(|run: String| keyboard::initials(&run))
        .collect();
    Vec::from_iter(all).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_those_of_each_word_and_of_what_it_begins() {
        assert_eq!(initials("붉은 달의 재즈"), "ㄷㅇ ㄷㅇㅈㅈ ㅂㅇ ㅂㅇㄷㅇㅈㅈ ㅈㅈ");
        assert_eq!(initials("Jazz 밤"), "");
    }

    #[test]
    fn a_final_and_an_initial_are_the_same_key() {
        assert_eq!(keys("붉은"), "ᄇ\u{116E}ᄅᄀᄋ\u{1173}ᄂ");
        for begun in ["재ㅈ", "재즈"] {
            assert!(keys("재즈").starts_with(&keys(begun)), "{begun}");
        }
        for begun in ["고ㅇ", "고야", "고양", "고양ㅇ"] {
            assert!(keys("고양이").starts_with(&keys(begun)), "{begun}");
        }
    }

    #[test]
    fn a_single_syllable_is_not_taken_apart() {
        assert_eq!(keys("공"), "공");
    }

    #[test]
    fn decomposed_and_composed_text_are_the_same() {
        let decomposed: String = "붉은 다방".nfd().collect();
        assert_eq!(words(&decomposed), ["붉은", "다방"]);
        assert_eq!(beginnings(&decomposed), beginnings("붉은 다방"));
    }

    #[test]
    fn beginnings_are_whole_syllables_from_each_word_on() {
        let expected: BTreeSet<_> = ["밤", "밤의", "밤의시", "의", "의시", "시"].map(keys).into();
        assert_eq!(beginnings("밤, 의 시!"), Vec::from_iter(expected).join(" "));
        assert_eq!(beginnings("…"), "");
    }
}
