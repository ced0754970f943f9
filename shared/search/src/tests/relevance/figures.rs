//! How good an answer is, from the grades of what it holds.

/// So far people look before they type something else.
const NEAR: usize = 10;
/// As many as a page shows.
pub(super) const PAGE: usize = 20;

/// The two figures, each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures {
    /// nDCG@10: whether the best stand first.
    pub(super) ndcg: f64,
    /// recall@20: how much of what is good (grade 2 or 3), as far as twenty can hold it, is there.
    pub(super) recall: f64,
}

/// `found` are the grades of the answer in its order, `all` those of every event. Where nothing is good enough, nothing is
/// the right answer.
pub(super) fn figures(found: &[u8], all: &[u8], only: bool) -> Figures {
    let failed = only && found.iter().take(PAGE).any(|grade| *grade == 0);
    if failed {
        return Figures { ndcg: 0.0, recall: 0.0 };
    }
    Figures { ndcg: ndcg(found, all), recall: recall(found, all) }
}

/// The mean of each figure.
pub(super) fn mean(all: &[Figures]) -> Figures {
    let mean = |of: fn(&Figures) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    Figures { ndcg: mean(|figures| figures.ndcg), recall: mean(|figures| figures.recall) }
}

fn ndcg(found: &[u8], all: &[u8]) -> f64 {
    let mut ideal = all.to_vec();
    ideal.sort_unstable_by(|one, other| other.cmp(one));
    match dcg(&ideal) {
        0.0 => nothing(found),
        best => dcg(found) / best,
    }
}

/// The gain of a grade, 2^grade − 1, counts the less the further below it stands.
fn dcg(grades: &[u8]) -> f64 {
    let ranks = (2..).map(|rank: u32| f64::from(rank).log2());
    let gains = grades.iter().map(|grade| f64::from(2_u32.pow(u32::from(*grade)) - 1));
    gains.zip(ranks).take(NEAR).fold(0.0, |sum, (gain, rank)| sum + gain / rank)
}

fn recall(found: &[u8], all: &[u8]) -> f64 {
    let good = |grades: &[u8]| grades.iter().filter(|grade| **grade >= 2).count();
    match good(all).min(PAGE) {
        0 => nothing(found),
        most => good(&found[..found.len().min(PAGE)]) as f64 / most as f64,
    }
}

fn nothing(found: &[u8]) -> f64 {
    if found.is_empty() { 1.0 } else { 0.0 }
}

/// As counted by hand to three digits.
#[cfg(test)]
fn assert_figures(found: &[u8], all: &[u8], only: bool, ndcg: f64, recall: f64) {
    let figures = figures(found, all, only);
    let is_close = |one: f64, other: f64| (one - other).abs() < 0.0005;
    assert!(is_close(figures.ndcg, ndcg) && is_close(figures.recall, recall), "{figures:?}");
}

#[test]
fn the_best_order_is_one_and_every_other_less() {
    let all = [0, 1, 3, 2, 0];
    assert_figures(&[3, 2, 1], &all, false, 1.0, 1.0);
    // Gains 7, 3, 1 over log2 of 2, 3, 4: 7 + 1.893 + 0.5 at best; here 1 + 3 / 1.585 + 7 / 2.
    assert_figures(&[1, 2, 3], &all, false, 6.393 / 9.393, 1.0);
    // 0 + 7 / 1.585, and one of two that are good.
    assert_figures(&[0, 3], &all, false, 4.417 / 9.393, 0.5);
    assert_figures(&[], &all, false, 0.0, 0.0);
}

#[test]
fn only_the_first_ten_and_the_first_twenty_count() {
    let all = [3; 30];
    assert_figures(&[3; 10], &all, false, 1.0, 0.5);
    assert_figures(&[3; 25], &all, false, 1.0, 1.0);
    let late: Vec<u8> = [[0; 20], [3; 20]].concat();
    assert_figures(&late, &all, false, 0.0, 0.0);
}

#[test]
fn where_nothing_is_relevant_nothing_is_the_right_answer() {
    assert_figures(&[], &[0, 0], true, 1.0, 1.0);
    assert_figures(&[0], &[0, 0], false, 0.0, 0.0);
}

#[test]
fn what_must_not_come_fails_the_query_whatever_else_came() {
    assert_figures(&[3, 0], &[3, 0], true, 0.0, 0.0);
    assert_figures(&[3, 0], &[3, 0], false, 1.0, 1.0);
    assert_figures(&[3; 21], &[3; 30], true, 1.0, 1.0);
}

#[test]
fn a_mean_is_of_each_figure() {
    let of = |ndcg, recall| Figures { ndcg, recall };
    assert_eq!(mean(&[of(1.0, 0.5), of(0.5, 0.0)]), of(0.75, 0.25));
}
