//! Filters, orders, pages and counts.

use domain::event::{Category, Schedule, Sort, State};
use opensearch::http::Method;
use serde_json::{Value, json};

use super::{DAY, HOUR, listing, now, query, schedule, with_index};
use crate::{Facet, Listing, MAX_BY_RELEVANCE, Position, Query, Search, Total};

#[test]
fn each_filter_keeps_what_it_says_with_its_bounds_included() {
    let day = |text: &str| Some(text.parse().unwrap());
    with_index(|search| async move {
        let midnight = now().korean_day().start();
        let starting = |starts_at| {
            Schedule::new(
                starts_at,
                starts_at.plus(HOUR),
                now().minus(20 * DAY),
                now().minus(15 * DAY),
            )
            .unwrap()
        };
        search
            .publish(&[
                Listing { capacity: 10.try_into().unwrap(), ..listing("작은 방") },
                Listing { price: 5_000.try_into().unwrap(), ..listing("싼 표") },
                Listing { price: 90_000.try_into().unwrap(), ..listing("비싼 표") },
                Listing { category: Category::Art, ..listing("그림") },
                Listing { place: "부산 영도".parse().unwrap(), ..listing("바다") },
                // Its sale is all of 3 December, Korean time.
                Listing {
                    schedule: schedule(midnight.plus(2 * DAY), midnight.plus(3 * DAY)),
                    ..listing("하루 판매")
                },
                Listing { schedule: starting(midnight.minus(5 * DAY)), ..listing("지난 무대") },
                Listing { state: State::Cancelled, ..listing("취소된 무대") },
            ])
            .await;
        let any = Query::default();
        let all_but = |hidden: &[&str]| {
            let all = [
                "작은 방",
                "싼 표",
                "비싼 표",
                "그림",
                "바다",
                "하루 판매",
                "지난 무대",
                "취소된 무대",
            ];
            all.into_iter()
                .filter(|title| !hidden.contains(title))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let only = |title: &str| vec![title.to_owned()];
        let cases = [
            ("none", any.clone(), all_but(&[])),
            ("title", Query { title: Some("바다".parse().unwrap()), ..any.clone() }, only("바다")),
            ("place", Query { place: Some("영도".parse().unwrap()), ..any.clone() }, only("바다")),
            ("category", Query { category: Some(Category::Art), ..any.clone() }, only("그림")),
            (
                "capacity",
                Query { capacity_max: Some(10.try_into().unwrap()), ..any.clone() },
                only("작은 방"),
            ),
            (
                "price from",
                Query { price_min: Some(90_000.try_into().unwrap()), ..any.clone() },
                only("비싼 표"),
            ),
            (
                "price to",
                Query { price_max: Some(5_000.try_into().unwrap()), ..any.clone() },
                only("싼 표"),
            ),
            ("sale from", Query { sale_from: day("2026-12-03"), ..any.clone() }, only("하루 판매")),
            (
                "sale from, a day later",
                Query { sale_from: day("2026-12-04"), ..any.clone() },
                vec![],
            ),
            ("sale to", Query { sale_to: day("2026-12-03"), ..any.clone() }, all_but(&[])),
            (
                "sale to, a day less",
                Query { sale_to: day("2026-12-02"), ..any.clone() },
                all_but(&["하루 판매"]),
            ),
            (
                "start from",
                Query { start_from: day("2026-11-27"), ..any.clone() },
                all_but(&["지난 무대"]),
            ),
            ("start to", Query { start_to: day("2026-11-26"), ..any.clone() }, only("지난 무대")),
            ("start to, a day less", Query { start_to: day("2026-11-25"), ..any.clone() }, vec![]),
            (
                "on sale",
                Query { on_sale: Some(true), ..any.clone() },
                all_but(&["하루 판매", "지난 무대", "취소된 무대"]),
            ),
            (
                "not on sale",
                Query { on_sale: Some(false), ..any.clone() },
                all_but(&["작은 방", "싼 표", "비싼 표", "그림", "바다"]),
            ),
            (
                "closing soon",
                Query { sort: Some(Sort::ClosingSoon), ..any },
                all_but(&["지난 무대", "취소된 무대"]),
            ),
        ];
        for (filter, query, mut expected) in cases {
            let mut found = search.titles(&query).await;
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{filter}");
        }
    });
}

#[test]
fn a_sale_is_open_from_its_first_moment_to_the_one_before_its_end() {
    with_index(|search| async move {
        search
            .publish(&[
                Listing { schedule: schedule(now(), now().plus(HOUR)), ..listing("막 열림") },
                Listing { schedule: schedule(now().minus(HOUR), now()), ..listing("막 닫힘") },
            ])
            .await;
        let on_sale = Query { on_sale: Some(true), ..Query::default() };
        assert_eq!(search.titles(&on_sale).await, ["막 열림"]);
    });
}

/// Thirty-one events; prices, moments of publishing and ends of sales are alike in threes, so that ids must break ties.
async fn many(search: &Search) -> Vec<Listing> {
    let many: Vec<Listing> = (0..31)
        .map(|n: u32| Listing {
            price: i64::from(n / 3 * 1_000).try_into().unwrap(),
            created_at: now().minus(HOUR * (n / 3)),
            schedule: schedule(now().minus(DAY), now().plus(HOUR * (1 + n / 3))),
            category: if n < 10 { Category::Movie } else { Category::Music },
            ..listing(&format!("무대 {n}"))
        })
        .collect();
    search.publish(&many).await;
    many
}

async fn walk(search: &Search, query: &Query) -> Vec<Listing> {
    let mut seen = Vec::new();
    let mut position = Some(Position::first(now()));
    while let Some(here) = position {
        let page = search.search(query, 7, &here).await.unwrap();
        assert_eq!(page.total, Total::Exactly(31));
        seen.extend(page.hits.into_iter().map(|hit| hit.listing));
        position = page.next;
        // A cursor is text between two pages.
        let sealed = serde_json::to_string(&position).unwrap();
        assert_eq!(serde_json::from_str::<Option<Position>>(&sealed).unwrap(), position);
    }
    seen
}

#[test]
fn every_order_shows_every_event_once_over_all_pages() {
    with_index(|search| async move {
        let all = many(&search).await;
        for sort in
            [Sort::Relevance, Sort::Newest, Sort::PriceUp, Sort::PriceDown, Sort::ClosingSoon]
        {
            let seen = walk(&search, &Query { sort: Some(sort), ..query("무대") }).await;
            let mut ids: Vec<_> = seen.iter().map(|listing| listing.id).collect();
            ids.sort();
            ids.dedup();
            assert_eq!((seen.len(), ids.len()), (all.len(), all.len()), "{sort:?}");
            assert!(
                seen.windows(2).all(|pair| match sort {
                    Sort::Relevance => true,
                    Sort::Newest => pair[0].created_at >= pair[1].created_at,
                    Sort::PriceUp => pair[0].price <= pair[1].price,
                    Sort::PriceDown => pair[0].price >= pair[1].price,
                    Sort::ClosingSoon =>
                        pair[0].schedule.sale_ends_at() <= pair[1].schedule.sale_ends_at(),
                }),
                "{sort:?}"
            );
        }
    });
}

#[test]
fn events_that_come_between_two_pages_neither_hide_nor_repeat_others() {
    with_index(|search| async move {
        let all = many(&search).await;
        let newest = Query::default();
        let first = search.search(&newest, 10, &Position::first(now())).await.unwrap();
        search.publish(&[Listing { created_at: now(), ..listing("새 무대") }]).await;
        let rest = search.search(&newest, 100, &first.next.unwrap()).await.unwrap();
        let mut ids: Vec<_> =
            first.hits.iter().chain(&rest.hits).map(|hit| hit.listing.id).collect();
        ids.sort();
        let mut expected: Vec<_> = all.iter().map(|listing| listing.id).collect();
        expected.sort();
        assert_eq!(ids, expected);
    });
}

#[test]
fn every_page_is_judged_by_the_moment_of_the_first() {
    with_index(|search| async move {
        many(&search).await;
        let open = Query { on_sale: Some(true), ..Query::default() };
        // A page of a list begun long ago: all sales were open then.
        let first = search.search(&open, 30, &Position::first(now())).await.unwrap();
        let last = search.search(&open, 30, &first.next.unwrap()).await.unwrap();
        assert_eq!(last.hits.len(), 1);
        assert!(last.next.is_none());
        let later = Position::first(now().plus(20 * DAY));
        assert!(search.search(&open, 30, &later).await.unwrap().hits.is_empty());
    });
}

#[test]
fn relevance_ends_at_five_hundred() {
    with_index(|search| async move {
        let alike: Vec<Listing> = (0..MAX_BY_RELEVANCE + 20).map(|_| listing("재즈")).collect();
        search.publish(&alike).await;
        let mut seen = 0;
        let mut position = Some(Position::first(now()));
        while let Some(here) = position {
            let page = search.search(&query("재즈"), 90, &here).await.unwrap();
            seen += page.hits.len();
            position = page.next;
        }
        assert_eq!(seen, MAX_BY_RELEVANCE as usize);
        let by_price = Query { sort: Some(Sort::PriceUp), ..query("재즈") };
        let page = search.search(&by_price, 510, &Position::first(now())).await.unwrap();
        assert_eq!((page.hits.len(), page.next.is_some()), (510, true));
    });
}

#[test]
fn categories_are_counted_as_if_none_were_chosen() {
    with_index(|search| async move {
        many(&search).await;
        let movies = Query { category: Some(Category::Movie), ..Query::default() };
        let page = search.search(&movies, 4, &Position::first(now())).await.unwrap();
        assert_eq!(page.total, Total::Exactly(10));
        let counts = [(Category::Music, 21), (Category::Movie, 10)];
        assert_eq!(page.facets, counts.map(|(category, count)| Facet { category, count }));

        let second = search.search(&movies, 100, &page.next.unwrap()).await.unwrap();
        assert_eq!(second.total, Total::Exactly(10));
        assert_eq!((second.hits.len(), second.facets), (6, vec![]));
    });
}

#[test]
fn a_page_shows_what_a_newer_program_wrote_and_goes_on_without_what_cant_be_read() {
    with_index(|search| async move {
        let [newer, unreadable, plain] = ["새로운 종류", "못 읽는 무대", "보통 무대"].map(listing);
        let ids = [newer.id, unreadable.id].map(|id| id.to_string());
        search.publish(&[newer, unreadable, plain]).await;
        for (id, change) in
            ids.iter().zip([json!({ "category": "OPERA" }), json!({ "capacity": 0 })])
        {
            let path = format!("/{}/_update/{id}", search.write_alias());
            let change = json!({ "doc": change }).to_string();
            search.call::<Value>(Method::Post, &path, Some(change)).await.unwrap();
        }
        search.refresh().await;
        let page = search.first_page(&Query::default()).await;
        let mut found: Vec<_> = page
            .hits
            .iter()
            .map(|hit| (hit.listing.title.as_str(), hit.listing.category))
            .collect();
        found.sort();
        assert_eq!(found, [("보통 무대", Category::Music), ("새로운 종류", Category::Unknown)]);
        assert_eq!(
            page.facets,
            [Facet { category: Category::Music, count: 2 }],
            "nobody can choose what is not known"
        );
    });
}

#[test]
fn queries_that_mean_the_same_are_spelled_the_same() {
    let implied = Query::default();
    let said = Query { sort: Some(Sort::Newest), ..Query::default() };
    assert_eq!(implied.canonical().unwrap(), said.canonical().unwrap());
    assert_ne!(implied.canonical().unwrap(), query("재즈").canonical().unwrap());
    assert_eq!(query("재즈").order(), Sort::Relevance);
}
