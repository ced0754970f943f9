//! What a person typed, as a query: exact words first, then typos and words that are not finished.

use domain::event::SearchWords;
use serde_json::{Value, json};

use crate::jamo;
use crate::keyboard;
use crate::romanised;
use crate::sounds;
use crate::vocabulary::{self, General};

/// So many words may have typos, or mean other words; each costs a fuzzy query, or a dozen of exact ones.
const MAX_FORGIVEN: usize = 5;
/// What a typo is worth beside an exact match: so little that it never ranks above one.
const FORGIVEN: f32 = 0.02;

/// What a name is worth that sounds like what was typed: more than one with a typo, never as much as the right one.
const ALIKE: f32 = 0.04;
/// What all words together are worth beside each alone.
const WHOLE: f32 = 0.1;
/// What the beginning of a name is worth: about as much as a rare word in the content.
const BEGINS: f32 = 10.0;
/// What several words are worth that were written as one: below each alone, above a typo.
const TOGETHER: f32 = 0.1;
/// What a word is worth as it was not typed, but may be meant.
const READ: f32 = 0.7;
/// What a general word is worth where it is written, beside one that says what is looked for.
const BESIDES: f32 = 0.2;
/// What a general word is said of is worth more than where it is written: 무료 means what costs nothing, not free drinks.
const MEANT: f32 = 50.0;

/// Where to look: in words as nori finds them, each place with its weight, and in what was typed as keys.
pub(crate) struct Fields {
    korean: &'static [&'static str],
    jamo: &'static str,
    /// Each with its weight.
    initials: &'static [(&'static str, f32)],
    /// Whether general words are meant of the event, and may be absent.
    means: bool,
}

pub(crate) const EVERYWHERE: Fields = Fields {
    korean: &["title^4", "place^2", "artistNickname^2", "content"],
    jamo: "jamo.names",
    initials: &[("jamo.initials.title", 4.0), ("jamo.initials.others", 1.0)],
    means: true,
};
pub(crate) const TITLE: Fields = Fields {
    korean: &["title"],
    jamo: "jamo.title",
    initials: &[("jamo.initials.title", 1.0)],
    means: false,
};
pub(crate) const PLACE: Fields =
    Fields { korean: &["place"], jamo: "jamo.place", initials: &[], means: false };

/// Every word must be found, each in any of the fields; a general one among others need not.
pub(crate) fn matches(typed: &SearchWords, fields: &Fields) -> Value {
    let typed = keyboard::plain(typed.as_str());
    let words = words(&typed);
    if words.is_empty() {
        return json!({ "match_none": {} });
    }
    let mut ways = vec![each(&words, fields)];
    if words.len() > 1 {
        let one: String = words.iter().map(|word| word.typed.as_str()).collect();
        ways.push(worth(FORGIVEN, &together(&one, fields)));
        ways.push(self::one(&one, TOGETHER, fields));
        ways.extend(begins(&one, BEGINS, fields));
    }
    // A verb says little of what is looked for: “공연을 보다” finds what says 공연. Without one nothing is left out: nori takes the
    // beginning of 째즈 for a verb.
    if words.iter().any(Word::may_be_verb) {
        ways.push(exact(&typed, "korean_without_verbs", WHOLE, fields));
    }
    any(&ways)
}

/// A word as it was typed, in lower case, and as it may have been meant.
struct Word {
    typed: String,
    meant: Vec<String>,
}

/// Words end where other signs stand, and where Hangul and Latin meet: “indie밴드”.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let letters: Vec<char> = word.chars().collect();
        words.extend(
            letters
                .chunk_by(|one, next| {
                    is_latin(*one) == is_latin(*next)
                        || !one.is_alphabetic()
                        || !next.is_alphabetic()
                })
                .map(word_of),
        );
    }
    words
}

fn word_of(letters: &[char]) -> Word {
    let word = String::from_iter(letters);
    let typed = word.to_lowercase();
    let mut meant = romanised::readings(&typed);
    meant.extend(vocabulary::without_particle(&typed).map(str::to_owned));
    meant.extend(keyboard::korean(&word).or_else(|| keyboard::latin(&word)));
    Word { typed, meant }
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic()
}

impl Word {
    /// It as typed and as it may have been meant, each with what it is worth.
    fn readings(&self) -> impl Iterator<Item = (&str, f32)> {
        std::iter::once((self.typed.as_str(), 1.0))
            .chain(self.meant.iter().map(|word| (word.as_str(), READ)))
    }

    fn may_be_verb(&self) -> bool {
        self.general().is_none() && vocabulary::may_be_verb(&self.typed)
    }

    fn general(&self) -> Option<&'static General> {
        self.readings().find_map(|(word, _)| vocabulary::general(word))
    }
}

/// Each word, the last one perhaps not finished.
fn each(words: &[Word], fields: &Fields) -> Value {
    let (mut must, mut general_ones, mut near) = (Vec::new(), Vec::new(), Vec::new());
    let mut specific = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let general = word.general().filter(|_| fields.means);
        let boost = if general.is_some() { BESIDES } else { 1.0 };
        let mut ways = vec![one(&word.typed, boost, fields)];
        if place < MAX_FORGIVEN {
            ways.extend(otherwise(word, boost, fields));
            ways.push(worth(FORGIVEN, &fuzzy(&word.typed, fields)));
            ways.extend(begins(&word.typed, BEGINS * boost, fields));
            let alike = sounds::alike(&word.typed);
            ways.extend(alike.iter().filter_map(|other| begins(other, ALIKE, fields)));
        }
        ways.extend(initials(&word.typed, fields));
        if place + 1 == words.len() {
            ways.extend(unfinished(&word.typed, fields).map(|begun| worth(FORGIVEN, &begun)));
        }
        ways.extend(general.and_then(General::said_of).map(|meant| worth(MEANT, &meant)));
        if general.is_some() {
            general_ones.push(any(&ways));
        } else {
            specific.push(word.typed.as_str());
            must.push(any(&ways));
        }
        near.extend(general.and_then(General::near).map(|meant| worth(MEANT, &meant)));
    }
    // Where there are no others, they are what is looked for.
    let (must, mut should) =
        if must.is_empty() { (general_ones, Vec::new()) } else { (must, general_ones) };
    should.append(&mut near);
    // Of three words or more the show may lack one. It stands below those that lack none.
    let least = if must.len() > 2 { must.len() - 1 } else { must.len() };
    if least < must.len() {
        let all = exact(&specific.join(" "), "korean_without_verbs", 1.0, fields);
        should.push(worth(MEANT, &all));
    }
    let found = json!({ "bool": { "should": must, "minimum_should_match": least } });
    json!({ "bool": { "must": found, "should": should } })
}

/// The word as it may have been meant, and other words for the same.
fn otherwise(word: &Word, boost: f32, fields: &Fields) -> Vec<Value> {
    let read = word.meant.iter().map(|reading| (reading.as_str(), READ));
    let others = word.readings().flat_map(|(reading, worth)| {
        let others = vocabulary::others(reading).into_iter();
        others.map(move |(other, less)| (other, worth * less))
    });
    read.chain(others).map(|(other, worth)| one(other, boost * worth, fields)).collect()
}

/// All words written as one, since where a space goes is a matter of taste in Korean.
fn together(one: &str, fields: &Fields) -> Value {
    let mut ways = vec![fuzzy(one, fields)];
    ways.extend(unfinished(one, fields));
    any(&ways)
}

/// Counts the same wherever it is found.
fn worth(boost: f32, filter: &Value) -> Value {
    json!({ "constant_score": { "filter": filter, "boost": boost } })
}

fn any(queries: &[Value]) -> Value {
    json!({ "bool": { "minimum_should_match": 1, "should": queries } })
}

fn exact(text: &str, analyzer: &str, boost: f32, fields: &Fields) -> Value {
    json!({ "multi_match": {
        "query": text,
        "type": "cross_fields",
        "operator": "and",
        "analyzer": analyzer,
        "fields": fields.korean,
        "boost": boost,
    } })
}

/// One word: what nori makes of it stands together, as it was typed.
fn one(word: &str, boost: f32, fields: &Fields) -> Value {
    json!({ "multi_match": {
        "query": word,
        "type": "phrase",
        "analyzer": "korean",
        "fields": fields.korean,
        "boost": boost,
    } })
}

/// One wrong key in words of four keys or more: below that, most other words would be one key away. Two wrong keys would
/// cost five times as much.
fn fuzzy(word: &str, fields: &Fields) -> Value {
    let keys = jamo::keys(word);
    let edits = if keys.chars().count() < 4 { 0 } else { 1 };
    json!({ "match": { fields.jamo: { "query": keys, "fuzziness": edits } } })
}

/// The initials of a word, or of how words begin.
fn initials(word: &str, fields: &Fields) -> Option<Value> {
    keyboard::are_initials(word).then_some(())?;
    let ways: Vec<Value> = fields
        .initials
        .iter()
        .flat_map(|(field, boost)| {
            [("term", 5.0), ("prefix", 1.0)].map(|(how, times)| {
                worth(FORGIVEN * boost * times, &json!({ how: { *field: word } }))
            })
        })
        .collect();
    Some(any(&ways))
}

/// A name that begins with the word's syllables is surely meant, whatever nori takes them for.
fn begins(word: &str, boost: f32, fields: &Fields) -> Option<Value> {
    word.chars().nth(1)?;
    Some(worth(boost, &json!({ "term": { fields.jamo: jamo::keys(word) } })))
}

/// A word whose last syllable is still being typed. A single syllable is taken as it is: 공 is not yet 고양이.
fn unfinished(word: &str, fields: &Fields) -> Option<Value> {
    word.chars().nth(1)?;
    Some(json!({ "prefix": { fields.jamo: jamo::keys(word) } }))
}
