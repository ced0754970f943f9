//! What a person typed, as a query: exact words first, then typos and words that are not finished.

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use crate::jamo;

/// Longer input is cut: an event's title has no more.
const MAX_CHARACTERS: usize = 100;
/// So many words may have typos; each costs a fuzzy query.
const MAX_FORGIVEN: usize = 8;
/// What a typo is worth beside an exact match: so little that it never ranks above one.
const FORGIVEN: f32 = 0.02;

/// Where to look, and how much each place weighs: in words as nori finds them, and in jamo.
pub(crate) struct Fields {
    korean: &'static [(&'static str, u8)],
    jamo: &'static [(&'static str, u8)],
}

pub(crate) const EVERYWHERE: Fields = Fields {
    korean: &[("title", 4), ("place", 2), ("artistNickname", 2), ("content", 1)],
    jamo: &[("jamo.title", 4), ("jamo.place", 2), ("jamo.artist", 2)],
};
pub(crate) const TITLE: Fields = Fields { korean: &[("title", 1)], jamo: &[("jamo.title", 1)] };
pub(crate) const PLACE: Fields = Fields { korean: &[("place", 1)], jamo: &[("jamo.place", 1)] };

/// Every word must be found, each in any of the fields.
pub(crate) fn matches(typed: &str, fields: &Fields) -> Value {
    let typed: String = typed.nfc().take(MAX_CHARACTERS).collect();
    let mut words = jamo::words(&typed);
    words.truncate(MAX_FORGIVEN);
    let Some((last, others)) = words.split_last() else {
        return json!({ "match_none": {} });
    };

    let mut each: Vec<Value> = others
        .iter()
        .map(|word| any(&[exact(word, "korean", 1, fields), fuzzy(word, fields)]))
        .collect();
    each.push(any(&[
        exact(last, "korean", 1, fields),
        fuzzy(last, fields),
        unfinished(last, fields),
    ]));
    let together = words.concat();
    any(&[
        exact(&typed, "korean", 2, fields),
        // A verb says little of what is looked for: “공연을 보다” finds what says 공연.
        exact(&typed, "korean_without_verbs", 1, fields),
        json!({ "bool": {
            "boost": FORGIVEN,
            "minimum_should_match": 1,
            "should": [
                { "bool": { "must": each } },
                // Where one writes a space is a matter of taste in Korean.
                fuzzy(&together, fields),
                unfinished(&together, fields),
            ],
        } }),
    ])
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
        "fields": weighted(fields.korean),
        "boost": boost,
    } })
}

/// One wrong key from four keys on, two from ten. Below four, most other words would be one key away.
fn fuzzy(word: &str, fields: &Fields) -> Value {
    json!({ "multi_match": {
        "query": jamo::keys(word),
        "fields": weighted(fields.jamo),
        "fuzziness": "AUTO:4,10",
    } })
}

/// A word whose last syllable is still being typed. A single syllable is taken as it is: 공 is not yet 고양이.
fn unfinished(word: &str, fields: &Fields) -> Value {
    if word.chars().nth(1).is_none() {
        return json!({ "match_none": {} });
    }
    let keys = jamo::keys(word);
    let prefixes: Vec<Value> =
        fields.jamo.iter().map(|(field, _)| json!({ "prefix": { *field: keys } })).collect();
    json!({ "dis_max": { "queries": prefixes } })
}

fn weighted(fields: &[(&str, u8)]) -> Vec<String> {
    fields.iter().map(|(field, weight)| format!("{field}^{weight}")).collect()
}
