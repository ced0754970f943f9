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
                println!(
                    "{}: {}: {:.2} {:.2} {found:?}",
                    judged.kind, judged.query, figures.ndcg, figures.recall
                );
            }
            kinds.entry(judged.kind).or_default().push(figures);
        }
        println!("\n{}", table(&kinds));
    });
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
