//! What a person typed, as a query: exact words first, then typos and words that are not finished.

use domain::event::SearchWords;
use serde_json::{Value, json};

use crate::jamo;

/// So many words may have typos; each costs a fuzzy query.
const MAX_FORGIVEN: usize = 5;
/// What a typo is worth beside an exact match: so little that it never ranks above one.
const FORGIVEN: f32 = 0.02;

/// Where to look: in words as nori finds them, each place with its weight, and in what was typed as keys.
pub(crate) struct Fields {
    korean: &'static [&'static str],
    jamo: &'static str,
}

pub(crate) const EVERYWHERE: Fields =
    Fields { korean: &["title^4", "place^2", "artistNickname^2", "content"], jamo: "jamo.names" };
pub(crate) const TITLE: Fields = Fields { korean: &["title"], jamo: "jamo.title" };
pub(crate) const PLACE: Fields = Fields { korean: &["place"], jamo: "jamo.place" };

/// Every word must be found, each in any of the fields.
pub(crate) fn matches(typed: &SearchWords, fields: &Fields) -> Value {
    let words = jamo::words(typed.as_str());
    if words.is_empty() {
        return json!({ "match_none": {} });
    }
    any(&[
        exact(typed.as_str(), "korean", 2, fields),
        // A verb says little of what is looked for: “공연을 보다” finds what says 공연.
        exact(typed.as_str(), "korean_without_verbs", 1, fields),
        json!({ "constant_score": { "filter": forgiving(&words, fields), "boost": FORGIVEN } }),
    ])
}

/// Each word exact or with a typo, the last one perhaps not finished; or all of them written as one word, since where a
/// space goes is a matter of taste in Korean.
fn forgiving(words: &[String], fields: &Fields) -> Value {
    let each: Vec<Value> = words
        .iter()
        .enumerate()
        .map(|(place, word)| {
            let mut ways = vec![exact(word, "korean", 1, fields)];
            if place < MAX_FORGIVEN {
                ways.push(fuzzy(word, fields));
            }
            if place + 1 == words.len() {
                ways.extend(unfinished(word, fields));
            }
            any(&ways)
        })
        .collect();
    let mut ways = vec![json!({ "bool": { "must": each } })];
    if words.len() > 1 {
        let one = words.concat();
        ways.push(fuzzy(&one, fields));
        ways.extend(unfinished(&one, fields));
    }
    any(&ways)
}

fn any(queries: &[Value]) -> Value {
    json!({ "bool": { "minimum_should_match": 1, "should": queries } })
}

fn exact(text: &str, analyzer: &str, boost: u8, fields: &Fields) -> Value {
    json!({ "multi_match": {
        "query": text,
        "type": "cross_fields",
        "operator": "and",
        "analyzer": analyzer,
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

/// A word whose last syllable is still being typed. A single syllable is taken as it is: 공 is not yet 고양이.
fn unfinished(word: &str, fields: &Fields) -> Option<Value> {
    word.chars().nth(1)?;
    Some(json!({ "prefix": { fields.jamo: jamo::keys(word) } }))
}
