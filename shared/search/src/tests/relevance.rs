//! How well the search finds: judged queries over a season of events, by nDCG@10 and recall@20.

mod corpus;
mod figures;
mod judgements;

use std::collections::{BTreeMap, HashMap};

use domain::id::EventId;

use self::corpus::season;
use self::figures::{Figures, PAGE, figures, mean};
use self::judgements::judgements;
use super::{now, query, with_index};
use crate::{Listing, Position};

/// What was measured, a little less, of nDCG@10 and recall@20: nobody makes it worse without noticing. The bars are an nDCG@10 of
/// 0.90 over all queries, and of 0.75 for each kind.
const FLOORS: [(&str, f64, f64); 14] = [
    ("forms of a letter", 0.70, 0.79),
    ("general words", 0.70, 0.54),
    ("initials", 0.0, 0.0),
    ("nothing else", 0.75, 0.75),
    ("one word too many", 0.29, 0.21),
    ("particles and endings", 0.74, 0.70),
    ("plain words", 0.98, 0.98),
    ("romanised and mixed", 0.05, 0.04),
    ("spacing", 0.91, 0.96),
    ("synonyms", 0.46, 0.40),
    ("typos", 0.79, 0.76),
    ("unfinished words", 0.83, 0.87),
    ("venues and artists", 0.96, 0.93),
    ("wrong keyboard", 0.0, 0.0),
];
const FLOOR_OF_ALL: f64 = 0.59;

#[test]
fn fans_find_what_they_mean() {
    with_index(|search| async move {
        let season = season();
        let listings: Vec<Listing> = season.iter().map(|show| show.listing.clone()).collect();
        search.publish(&listings).await;

        let mut kinds = BTreeMap::<String, Vec<Figures>>::new();
        for judged in judgements() {
            let grades: HashMap<EventId, u8> =
                season.iter().map(|show| (show.listing.id, judged.grade(&show.facts))).collect();
            let all: Vec<u8> = grades.values().copied().collect();
            let page = search
                .search(&query(&judged.query), PAGE as u32, &Position::first(now()))
                .await
                .unwrap();
            let found: Vec<u8> = page.hits.iter().map(|hit| grades[&hit.listing.id]).collect();
            let figures = figures(&found, &all, judged.only);
            if figures.ndcg < 0.9 || figures.recall < 0.9 {
                let wrong = page.hits.iter().find(|hit| grades[&hit.listing.id] == 0);
                let wrong = wrong.map_or("", |hit| hit.listing.title.as_str());
                println!(
                    "{}: {}: {:.2} {:.2} {found:?} {wrong}",
                    judged.kind, judged.query, figures.ndcg, figures.recall
                );
            }
            kinds.entry(judged.kind).or_default().push(figures);
        }
        println!("\n{}", table(&kinds));
        assert_no_worse(&kinds);
    });
}

fn assert_no_worse(kinds: &BTreeMap<String, Vec<Figures>>) {
    assert!(kinds.keys().map(String::as_str).eq(FLOORS.map(|(kind, ..)| kind)));
    for (kind, ndcg, recall) in FLOORS {
        let measured = mean(&kinds[kind]);
        assert!(measured.ndcg >= ndcg && measured.recall >= recall, "{kind}: {measured:?}");
    }
    let all = mean(&kinds.values().flatten().copied().collect::<Vec<_>>());
    assert!(all.ndcg >= FLOOR_OF_ALL, "{all:?}");
}

/// The figures of each kind and of all queries, as infra/search/relevance.md shows them.
fn table(kinds: &BTreeMap<String, Vec<Figures>>) -> String {
    let row = |kind: &str, figures: &[Figures]| {
        let Figures { ndcg, recall } = mean(figures);
        format!("| {kind} | {} | {ndcg:.3} | {recall:.3} |\n", figures.len())
    };
    let mut table = "| kind | queries | nDCG@10 | recall@20 |\n|---|---|---|---|\n".to_owned();
    table.extend(kinds.iter().map(|(kind, figures)| row(kind, figures)));
    table.push_str(&row("**all**", &kinds.values().flatten().copied().collect::<Vec<_>>()));
    table
}
