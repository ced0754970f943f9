//! What a person typed, as a query: exact words first, then what may be meant by them, typos, and words that are not finished.

use domain::event::SearchWords;
use serde_json::{Value, json};

use crate::vocabulary::{self, General};
use crate::{jamo, keyboard, romanised, sounds};

/// So many words may have typos, or mean other words; each costs a fuzzy query, or a dozen of exact ones.
const MAX_FORGIVEN: usize = 5;

// What a match is worth: added to what BM25 counts for a word, or as its share of that.

/// What a general word is said of is worth more than where it is written: 무료 means what costs nothing, not free drinks.
const MEANT: f32 = 50.0;
/// A name that begins with what was typed: about as much as a rare word in the content.
const BEGINS: f32 = 10.0;
/// A word as it was not typed, but may be meant.
const READ: f32 = 0.7;
/// A general word where it is written, beside one that says what is looked for.
const BESIDES: f32 = 0.2;
/// Several words that were written as one, or without their verbs: below each alone, above what follows.
const WHOLE: f32 = 0.1;
/// A name that sounds like what was typed.
const ALIKE: f32 = 0.04;
/// A typo, or the beginning of a word: so little that it never ranks above what is right.
const FORGIVEN: f32 = 0.02;

/// Where to look: in words as nori finds them, each place with its weight, and in what was typed as keys.
pub(crate) struct Fields {
    korean: &'static [&'static str],
    jamo: &'static str,
    /// Each with its weight.
    initials: &'static [(&'static str, f32)],
    /// Whether general words are meant of the event, and may be absent.
    means: bool,
    /// Whether one word of three or more may be absent. Only where the best come first: by price they would come before the others.
    may_lack: bool,
}

pub(crate) const EVERYWHERE: Fields = Fields {
    korean: &["title^4", "place^2", "artistNickname^2", "content"],
    jamo: "jamo.names",
    initials: &[("jamo.initials.title", 4.0), ("jamo.initials.others", 1.0)],
    means: true,
    may_lack: true,
};
pub(crate) const EVERYWHERE_IN_ORDER: Fields = Fields { may_lack: false, ..EVERYWHERE };
pub(crate) const TITLE: Fields = Fields {
    korean: &["title"],
    jamo: "jamo.title",
    initials: &[("jamo.initials.title", 1.0)],
    means: false,
    may_lack: false,
};
pub(crate) const PLACE: Fields =
    Fields { korean: &["place"], jamo: "jamo.place", initials: &[], means: false, may_lack: false };

/// Every word must be found, each in any of the fields, but for those that may be absent.
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
        ways.push(self::one(&one, WHOLE, fields));
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
    /// It may have a typo.
    is_forgiven: bool,
    /// It may be unfinished.
    is_last: bool,
}

/// Words end where other signs stand, and where Hangul and Latin meet: “indie밴드”.
fn words(text: &str) -> Vec<Word> {
    let signs = |c: char| !c.is_alphanumeric();
    let letters: Vec<Vec<char>> = text.split(signs).map(|word| word.chars().collect()).collect();
    let words = letters.iter().flat_map(|word| word.chunk_by(|one, next| !meet(*one, *next)));
    let mut words: Vec<Word> =
        words.enumerate().map(|(place, letters)| word_of(letters, place < MAX_FORGIVEN)).collect();
    if let Some(last) = words.last_mut() {
        last.is_last = true;
    }
    words
}

/// Whether one letter is Latin and the other is not.
fn meet(one: char, next: char) -> bool {
    one.is_alphabetic()
        && next.is_alphabetic()
        && one.is_ascii_alphabetic() != next.is_ascii_alphabetic()
}

fn word_of(letters: &[char], is_forgiven: bool) -> Word {
    let word = String::from_iter(letters);
    let typed = word.to_lowercase();
    let mut meant = romanised::readings(&typed);
    meant.extend(vocabulary::without_particle(&typed).map(str::to_owned));
    meant.extend(keyboard::korean(&word).or_else(|| keyboard::latin(&word)));
    Word { typed, meant, is_forgiven, is_last: false }
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

    /// The events that it is said of, if it is a general word.
    fn said_of(&self) -> Option<Value> {
        self.general().and_then(General::said_of)
    }
}

/// Each word that says what is looked for, the last one perhaps not finished; the others bring what has them to the front.
fn each(words: &[Word], fields: &Fields) -> Value {
    let (must, may) = by_weight(words, fields);
    let found = |word: &&Word| any(&ways(word, fields));
    let may_lack = fields.may_lack && must.len() > 2;
    let mut should: Vec<Value> = may.iter().map(found).collect();
    if fields.means {
        let near = words.iter().filter_map(|word| word.general()?.near());
        should.extend(near.map(|meant| worth(MEANT, &meant)));
    }
    if may_lack {
        // What lacks none stands above.
        let all = must.iter().map(|word| word.typed.as_str()).collect::<Vec<_>>().join(" ");
        should.push(worth(MEANT, &exact(&all, "korean_without_verbs", 1.0, fields)));
    }
    let least = must.len() - usize::from(may_lack);
    let must: Vec<Value> = must.iter().map(found).collect();
    let found = json!({ "bool": { "should": must, "minimum_should_match": least } });
    json!({ "bool": { "must": found, "should": should } })
}

/// The words that must be found, and those that may be absent: general ones beside others, and those that mean nothing of an
/// event beside those that do.
fn by_weight<'a>(words: &'a [Word], fields: &Fields) -> (Vec<&'a Word>, Vec<&'a Word>) {
    let says_what = |word: &&Word| !fields.means || word.general().is_none();
    let (must, may): (Vec<_>, Vec<_>) = words.iter().partition(says_what);
    if !must.is_empty() {
        return (must, may);
    }
    let (must, may): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.said_of().is_some());
    if must.is_empty() { (may, must) } else { (must, may) }
}

/// All ways in which a word is found.
fn ways(word: &Word, fields: &Fields) -> Vec<Value> {
    let is_general = fields.means && word.general().is_some();
    let boost = if is_general { BESIDES } else { 1.0 };
    let mut ways = vec![one(&word.typed, boost, fields)];
    ways.extend(initials(&word.typed, fields));
    if word.is_forgiven {
        ways.extend(otherwise(word, boost, fields));
        ways.push(worth(FORGIVEN, &fuzzy(&word.typed, fields)));
        ways.extend(begins(&word.typed, BEGINS * boost, fields));
        ways.extend(apart(&word.typed, boost, fields));
        let alike = sounds::alike(&word.typed);
        ways.extend(alike.iter().filter_map(|other| begins(other, ALIKE, fields)));
    }
    if word.is_last {
        ways.extend(unfinished(&word.typed, fields).map(|begun| worth(FORGIVEN, &begun)));
    }
    if is_general {
        ways.extend(word.said_of().map(|meant| worth(MEANT, &meant)));
    }
    ways
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

/// A word that was written as one and is two: both must be there.
fn apart(word: &str, boost: f32, fields: &Fields) -> Option<Value> {
    let (start, end) = vocabulary::parts(word)?;
    let part = |part: &str| {
        let word = word_of(&part.chars().collect::<Vec<_>>(), false);
        let mut ways = ways(&word, fields);
        ways.extend(otherwise(&word, boost, fields));
        any(&ways)
    };
    Some(json!({ "bool": { "must": [part(start), part(end)] } }))
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

/// One wrong key in words of four keys or more: below that, most other words would be one key away. Of four it is not the first, or
/// 아이 would find 라이브. Two wrong keys would cost five times as much.
fn fuzzy(word: &str, fields: &Fields) -> Value {
    let keys = jamo::keys(word);
    let (edits, same) = match keys.chars().count() {
        ..4 => (0, 0),
        4 => (1, 1),
        _ => (1, 0),
    };
    json!({ "match": { fields.jamo: { "query": keys, "fuzziness": edits, "prefix_length": same } } })
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
