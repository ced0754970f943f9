//! What words of the field mean: `infra/search/words.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::event::Category;
use serde::Deserialize;
use serde_json::{Value, json};

/// Read once; a test reads it, too, so that it can be read.
static VOCABULARY: LazyLock<Vocabulary> =
    LazyLock::new(|| serde_json::from_str(FILE).unwrap_or_default());
const FILE: &str = include_str!("../../../infra/search/words.json");

/// What another word for the same is worth beside the one that was typed.
const SAME: f32 = 0.7;
/// What a word is worth that says less, or more, than the one that was typed.
const ALSO: f32 = 0.25;

/// What may follow a noun.
const PARTICLES: [&str; 19] = [
    "에서", "으로", "이나", "이랑", "하고", "을", "를", "이", "가", "은", "는", "의", "에", "도",
    "와", "과", "로", "만", "랑",
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vocabulary {
    /// Words for the same thing.
    same: Vec<Vec<String>>,
    /// What else is meant by a word, though not the other way round.
    also: BTreeMap<String, Vec<String>>,
    general: Vec<General>,
}

/// Words that say what kind of thing is looked for, or nothing at all: a show that lacks them may be meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct General {
    words: Vec<String>,
    /// They are said of events of these categories.
    #[serde(default)]
    categories: Vec<Category>,
    /// They may be said of these, too: such events come first, and are not found by the word alone.
    #[serde(default)]
    near: Vec<Category>,
    /// They are said of events that cost nothing.
    #[serde(default)]
    free: bool,
}

/// What a general word is said of, if it is one.
pub(crate) fn general(word: &str) -> Option<&'static General> {
    stems(word).find_map(|stem| {
        VOCABULARY.general.iter().find(|general| general.words.iter().any(|one| one == stem))
    })
}

/// Other words for what is meant by a word, each with what it is worth beside it.
pub(crate) fn others(word: &str) -> Vec<(&'static str, f32)> {
    let mut others = Vec::new();
    for stem in stems(word) {
        let same = VOCABULARY.same.iter().filter(|same| same.iter().any(|one| one == stem));
        let same = same.flatten().filter(|one| *one != stem);
        others.extend(same.map(|one| (one.as_str(), SAME)));
        let also = VOCABULARY.also.get(stem).into_iter().flatten();
        others.extend(also.map(|one| (one.as_str(), ALSO)));
    }
    others
}

/// The parts of a word that ends with one of ours, such as 도예클래스 and 락밴드. What stands before it has two syllables or more, or
/// is one of ours, too.
pub(crate) fn parts(word: &str) -> Option<(&str, &str)> {
    if is_known(word) {
        return None;
    }
    let ends = word.char_indices().skip(1).map(|(at, _)| word.split_at(at));
    ends.into_iter().find(|(start, end)| {
        end.chars().nth(1).is_some()
            && is_known(end)
            && (start.chars().nth(1).is_some() || is_known(start))
    })
}

fn is_known(word: &str) -> bool {
    let words = VOCABULARY.general.iter().map(|general| &general.words).chain(&VOCABULARY.same);
    words.flatten().any(|one| one == word)
}

impl General {
    /// The events it is said of, if that is known of them.
    pub(crate) fn said_of(&self) -> Option<Value> {
        if self.free {
            return Some(json!({ "term": { "price": 0 } }));
        }
        of(self.categories.iter())
    }

    /// The events it may be said of.
    pub(crate) fn near(&self) -> Option<Value> {
        of(self.near.iter())
    }
}

fn of<'a>(categories: impl ExactSizeIterator<Item = &'a Category>) -> Option<Value> {
    let is_any = categories.len() > 0;
    is_any.then(|| json!({ "terms": { "category": categories.collect::<Vec<_>>() } }))
}

/// A word without its particle, where hardly a word of its own ends so: nori does not know every name before one. Two syllables or
/// more, since 마을 is no particle after 마.
pub(crate) fn without_particle(word: &str) -> Option<&str> {
    const SURE: [&str; 6] = ["에서", "이나", "을", "를", "의", "에"];
    let stem = SURE.iter().find_map(|particle| word.strip_suffix(particle));
    stem.filter(|stem| stem.chars().nth(1).is_some())
}

/// Whether a word may be a form of a verb, by how it ends: 보다, 듣고, 찍은, 그린, 볼.
pub(crate) fn may_be_verb(word: &str) -> bool {
    const ENDINGS: &str = "다는던고서어아여해요게지면러려";
    const RIEUL: u32 = 8;
    const NIEUN: u32 = 4;
    word.chars().last().is_some_and(|last| {
        let end = u32::from(last).wrapping_sub('가' as u32) % 28;
        ENDINGS.contains(last) || ('가'..='힣').contains(&last) && matches!(end, NIEUN | RIEUL)
    })
}

/// The word, and then what it is without a particle: 아이랑 is 아이 and 랑, or 아 and 이랑.
fn stems(word: &str) -> impl Iterator<Item = &str> {
    let stems = PARTICLES.iter().filter_map(|particle| word.strip_suffix(particle));
    std::iter::once(word).chain(stems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_can_be_read() {
        let read: Vocabulary = serde_json::from_str(FILE).unwrap();
        let all = |general: &General| [&general.categories[..], &general.near].concat();
        assert!(!read.general.iter().flat_map(all).any(|category| category == Category::Unknown));
    }

    #[test]
    fn other_words_are_known_both_ways_and_wider_ones_in_one() {
        let others =
            |word| -> Vec<&str> { others(word).into_iter().map(|(word, _)| word).collect() };
        assert_eq!(
            (others("서점에서"), others("책방")),
            (vec!["책방", "bookshop"], vec!["서점", "bookshop"])
        );
        assert!(others("춤").contains(&"탈춤") && !others("탈춤").contains(&"춤"));
        assert!(others("등대지기").is_empty());
    }

    #[test]
    fn a_particle_is_left_out_where_it_is_surely_one() {
        assert_eq!(without_particle("서윤의"), Some("서윤"));
        assert_eq!(without_particle("망원동에서"), Some("망원동"));
        for word in ["마을", "강의", "고양이", "재즈"] {
            assert_eq!(without_particle(word), None, "{word}");
        }
    }

    #[test]
    fn a_compound_has_its_parts() {
        assert_eq!(parts("도예클래스"), Some(("도예", "클래스")));
        assert_eq!(parts("락밴드"), Some(("락", "밴드")));
        for word in ["클래스", "만화영화", "재공연", "고양이", ""] {
            assert_eq!(parts(word), None, "{word}");
        }
    }

    #[test]
    fn a_verb_is_known_by_its_ending() {
        for (word, may_be) in [
            ("보다", true),
            ("찍은", true),
            ("그린", true),
            ("볼", true),
            ("째즈", false),
            ("jazz", false),
            ("", false),
        ] {
            assert_eq!(may_be_verb(word), may_be, "{word}");
        }
    }

    #[test]
    fn a_general_word_is_known_with_its_particle() {
        for word in ["공연", "공연을", "공연에서"] {
            let said_of = general(word).and_then(General::said_of);
            let concerts = json!({ "terms": { "category": ["CONCERT"] } });
            assert_eq!(said_of, Some(concerts), "{word}");
        }
        assert_eq!(
            general("무료").and_then(General::said_of),
            Some(json!({ "term": { "price": 0 } }))
        );
        assert!(general("추천").is_some_and(|general| general.said_of().is_none()));
        assert!(general("재즈").is_none());
    }
}
