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

/// The least nDCG@10 over all queries, and for each kind: what the product promises.
const BAR: f64 = 0.90;
const BAR_OF_A_KIND: f64 = 0.75;
/// What was measured of nDCG@10 and recall@20, a little less: nobody makes it worse without noticing.
const FLOORS: [(&str, f64, f64); 14] = [
    ("forms of a letter", 0.96, 0.98),
    ("general words", 0.96, 0.93),
    ("initials", 0.95, 0.95),
    ("nothing else", 0.98, 0.98),
    ("one word too many", 0.85, 0.82),
    ("particles and endings", 0.91, 0.86),
    ("plain words", 0.98, 0.98),
    ("romanised and mixed", 0.98, 0.98),
    ("spacing", 0.96, 0.98),
    ("synonyms", 0.96, 0.98),
    ("typos", 0.89, 0.86),
    ("unfinished words", 0.95, 0.95),
    ("venues and artists", 0.98, 0.98),
    ("wrong keyboard", 0.97, 0.98),
];

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
        assert!(ndcg >= BAR_OF_A_KIND, "{kind}");
    }
    let all = mean(&kinds.values().flatten().copied().collect::<Vec<_>>());
    assert!(all.ndcg >= BAR, "{all:?}");
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
