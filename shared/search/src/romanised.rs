//! Korean in Latin letters, by the Revised Romanisation of 2000: “jaejeu” is 재즈. One spelling has several readings, since it does not
//! say where a syllable ends: “gugak” is 구각, and 국악.

const INITIALS: [&str; 19] = [
    "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k", "t", "p",
    "h",
];
const VOWELS: [&str; 21] = [
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we",
    "wi", "yu", "eu", "ui", "i",
];
/// How finals are written, with their places: before a vowel as if they began the next syllable.
const FINALS: [(&str, u32); 12] = [
    ("", 0),
    ("k", 1),
    ("g", 1),
    ("n", 4),
    ("t", 19),
    ("l", 8),
    ("r", 8),
    ("m", 16),
    ("p", 17),
    ("b", 17),
    ("s", 19),
    ("ng", 21),
];

/// So many readings of a word are looked for, and so long a word is read: each ambiguous letter doubles them.
const MOST: usize = 8;
const LONGEST: usize = 24;

/// What a Latin word may be in Korean: two syllables or more.
pub(crate) fn readings(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    if word.len() <= LONGEST && word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        read(word, &mut String::new(), &mut found);
    }
    found
}

fn read(rest: &str, begun: &mut String, found: &mut Vec<String>) {
    if found.len() == MOST {
        return;
    }
    if rest.is_empty() {
        if begun.chars().nth(1).is_some() {
            found.push(begun.clone());
        }
        return;
    }
    for (initial, rest) in after(rest, INITIALS.iter().copied().zip(0_u32..)) {
        for (vowel, rest) in after(rest, VOWELS.iter().copied().zip(0_u32..)) {
            for (end, rest) in after(rest, FINALS.into_iter()) {
                let syllable = 0xAC00 + (initial * 21 + vowel) * 28 + end;
                begun.extend(char::from_u32(syllable));
                read(rest, begun, found);
                begun.pop();
            }
        }
    }
}

/// What a text may begin with, with what follows it.
fn after(
    text: &str,
    spellings: impl Iterator<Item = (&'static str, u32)>,
) -> impl Iterator<Item = (u32, &str)> {
    spellings.filter_map(move |(spelling, place)| Some((place, text.strip_prefix(spelling)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_readings_is_the_word() {
        for (spelling, word) in [
            ("jaejeu", "재즈"),
            ("gugak", "국악"),
            ("pansori", "판소리"),
            ("yeongeuk", "연극"),
            ("mangwon", "망원"),
            ("hanbyeol", "한별"),
            ("gongyeon", "공연"),
            ("sogeukjang", "소극장"),
            ("jeonsi", "전시"),
        ] {
            let readings = readings(spelling);
            assert!(readings.iter().any(|reading| reading == word), "{spelling}: {readings:?}");
        }
    }

    #[test]
    fn what_is_no_korean_has_no_reading() {
        for word in ["jazz", "folk", "blues", "so", "재즈", "", &"ga".repeat(13)] {
            assert!(readings(word).is_empty(), "{word}");
        }
        assert_eq!(readings(&"gaga".repeat(6)).len(), MOST);
    }
}
