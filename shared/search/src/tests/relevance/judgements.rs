//! What each query should find, as a fan would say who typed it. Judged by facts, before anything was searched.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::corpus::{Facts, season};

/// One query with what is relevant to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Judged {
    pub(super) kind: String,
    pub(super) query: String,
    grades: Vec<Grade>,
    /// What is not relevant must not come among the first: one such, and the query counts as failed.
    #[serde(default)]
    pub(super) only: bool,
}

/// A line of a judgement: whatever has all these facts has this grade.
#[derive(Deserialize)]
struct Grade {
    /// 3 is exactly what was meant, 2 good, 1 acceptable.
    grade: u8,
    /// By name; several values of one fact are separated by `|`.
    #[serde(flatten)]
    facts: BTreeMap<String, String>,
}

pub(super) fn judgements() -> Vec<Judged> {
    serde_json::from_str(include_str!("queries.json")).unwrap()
}

impl Judged {
    /// The grade of a show: that of the first line it matches, or 0.
    pub(super) fn grade(&self, facts: &Facts) -> u8 {
        self.grades.iter().find(|line| line.matches(facts)).map_or(0, |line| line.grade)
    }
}

impl Grade {
    fn matches(&self, facts: &Facts) -> bool {
        self.facts.iter().all(|(name, values)| {
            facts
                .get(name.as_str())
                .is_some_and(|fact| values.split('|').any(|value| value == fact))
        })
    }
}

#[test]
fn what_is_judged_is_in_the_season() {
    let season = season();
    let known: BTreeSet<(&str, &str)> = season
        .iter()
        .flat_map(|show| show.facts.iter().map(|(name, value)| (*name, value.as_str())))
        .collect();
    let judgements = judgements();
    let mut queries = BTreeSet::new();
    for Judged { query, grades, .. } in &judgements {
        assert!(queries.insert(query), "{query} is judged twice");
        for Grade { grade, facts } in grades {
            assert!((1..=3).contains(grade) && !facts.is_empty(), "{query}");
            for (name, values) in facts {
                for value in values.split('|') {
                    assert!(known.contains(&(name, value)), "{query}: {name} {value}");
                }
            }
        }
    }
    assert!(judgements.len() >= 120);
}

#[test]
fn whoever_looks_for_what_there_is_could_find_it() {
    let season = season();
    let lacks = |judged: &&Judged| {
        !judged.grades.is_empty() && season.iter().all(|show| judged.grade(&show.facts) < 3)
    };
    let judgements = judgements();
    let in_vain: Vec<&str> = judgements.iter().filter(lacks).map(|judged| &*judged.query).collect();
    assert!(in_vain.is_empty(), "nothing has grade 3: {in_vain:?}");
}
