//! Words, typos and what is not finished yet.

use super::{listing, query, with_index};
use crate::{Listing, Query, Search};

async fn programme(search: &Search) {
    let events = [
        (
            "붉은 다방의 밤",
            "홍대 롤링홀",
            "김사월",
            "재즈와 시가 있는 저녁, 오래된 공연을 다시 보다",
        ),
        ("초록 다방", "연남동 마당", "이랑", "커피와 노래"),
        ("재즈콘서트", "성수 아트홀", "나윤선", "즉흥연주와 스윙"),
        ("한강공원 버스킹", "여의도 한강공원", "몽니", "야외에서 열리는 음악회"),
        ("고양이 사진전", "망원동 갤러리", "사진가 박", "길고양이를 찍은 사진"),
        ("봄날의 클래식 공연", "예술의전당", "첼리스트 한", "바흐 무반주"),
        ("Jazz Night", "이태원 올댓재즈", "Trio Blue", "jazz standards"),
    ];
    let listings = events.map(|(title, place, artist, content)| Listing {
        place: place.parse().unwrap(),
        artist_nickname: artist.parse().unwrap(),
        content: content.parse().unwrap(),
        ..listing(title)
    });
    search.publish(&listings).await;
}

#[test]
fn a_typo_of_one_key_in_the_title_is_found_and_nothing_unrelated_with_it() {
    with_index(|search| async move {
        programme(&search).await;
        for (typed, title) in [
            ("불은 다방", "붉은 다방의 밤"),
            ("붉은 다뱡", "붉은 다방의 밤"),
            ("제즈", "재즈콘서트"),
            ("째즈", "재즈콘서트"),
            ("고얌이", "고양이 사진전"),
            ("한강콩원", "한강공원 버스킹"),
            ("jaz", "Jazz Night"),
        ] {
            assert_eq!(search.titles(&query(typed)).await, [title], "{typed}");
        }
    });
}

#[test]
fn a_typo_in_the_place_or_the_artists_name_is_found() {
    with_index(|search| async move {
        programme(&search).await;
        assert_eq!(search.titles(&query("예슬의전당")).await, ["봄날의 클래식 공연"]);
        assert_eq!(search.titles(&query("김사윌")).await, ["붉은 다방의 밤"]);
        let at = Query { place: Some("롤링헐".parse().unwrap()), ..Query::default() };
        assert_eq!(search.titles(&at).await, ["붉은 다방의 밤"]);
    });
}

#[test]
fn an_exact_match_ranks_above_every_typo() {
    with_index(|search| async move {
        let in_content = Listing {
            content: "재즈가 흐르는 밤".parse().unwrap(),
            ..listing("가을 산책")
        };
        search
            .publish(&[listing("제즈"), listing("재주 많은 곰"), in_content, listing("재즈")])
            .await;
        let titles = search.titles(&query("재즈")).await;
        assert_eq!(titles[..2], ["재즈", "가을 산책"]);
        assert_eq!(titles.len(), 4);
    });
}

#[test]
fn words_are_found_in_every_inflection() {
    with_index(|search| async move {
        programme(&search).await;
        let shows = ["봄날의 클래식 공연", "붉은 다방의 밤"];
        assert_eq!(search.titles(&query("공연")).await, shows, "공연을 in a text");
        let mut by_sentence = search.titles(&query("공연을 보다")).await;
        by_sentence.sort();
        assert_eq!(by_sentence, shows, "공연을 보다 as the question");
    });
}

#[test]
fn every_word_must_be_found_somewhere() {
    with_index(|search| async move {
        programme(&search).await;
        assert_eq!(search.titles(&query("재즈 홍대")).await, ["붉은 다방의 밤"]);
        assert_eq!(
            search.titles(&query("제즈 즉흥연주")).await,
            ["재즈콘서트"],
            "one typo, one word of the content"
        );
        assert!(search.titles(&query("재즈 우주여행")).await.is_empty());
    });
}

#[test]
fn spaces_do_not_matter() {
    with_index(|search| async move {
        programme(&search).await;
        for typed in ["붉은다방", "불은다방", "불은 다 방"] {
            assert_eq!(search.titles(&query(typed)).await, ["붉은 다방의 밤"], "{typed}");
        }
        assert_eq!(search.titles(&query("한강 공원")).await, ["한강공원 버스킹"]);
    });
}

#[test]
fn each_keystroke_on_the_way_to_a_word_finds_it() {
    with_index(|search| async move {
        programme(&search).await;
        let on_the_way = [
            "고",
            "고야",
            "고양",
            "고양ㅇ",
            "고양이",
            "고양이 ",
            "고양이 ㅅ",
            "고양이 사",
            "고양이 샂",
            "고양이 사지",
        ];
        for typed in on_the_way {
            assert_eq!(search.titles(&query(typed)).await, ["고양이 사진전"], "{typed}");
        }
    });
}

#[test]
fn a_general_word_may_be_absent_and_another_may_not() {
    with_index(|search| async move {
        programme(&search).await;
        for typed in ["붉은 다방의 밤 공연 추천", "고양이 전시회", "고양이 사진전 티켓 예매"]
        {
            assert_eq!(search.titles(&query(typed)).await.len(), 1, "{typed}");
        }
        assert!(search.titles(&query("째즈 공연")).await.iter().all(|title| title == "재즈콘서트"));
        assert!(search.titles(&query("발레 공연")).await.is_empty());
    });
}

#[test]
fn a_category_is_found_by_its_words_and_what_is_free_by_its_price() {
    with_index(|search| async move {
        let paid =
            Listing { content: "음료가 무료입니다.".parse().unwrap(), ..listing("산책") };
        let free = Listing { price: 0.try_into().unwrap(), ..listing("소풍") };
        let art = Listing { category: domain::event::Category::Art, ..listing("서윤 개인전") };
        search.publish(&[paid, free, art]).await;
        assert_eq!(search.titles(&query("무료")).await, ["소풍", "산책"]);
        assert_eq!(search.titles(&query("전시")).await, ["서윤 개인전"]);
        let title = Query { title: Some("전시".parse().unwrap()), ..Query::default() };
        assert!(search.titles(&title).await.is_empty(), "the title says no such word");
    });
}

#[test]
fn of_three_words_one_may_be_absent_where_the_best_come_first() {
    with_index(|search| async move {
        programme(&search).await;
        assert_eq!(search.titles(&query("초록 다방 우주여행")).await, ["초록 다방"]);
        let cheapest = Query {
            sort: Some(domain::event::Sort::PriceUp),
            ..query("초록 다방 우주여행")
        };
        assert!(search.titles(&cheapest).await.is_empty());
    });
}

#[test]
fn what_is_meant_is_found_however_it_was_typed() {
    with_index(|search| async move {
        programme(&search).await;
        for typed in ["ㄱㅇㅇ", "rhdiddl", "goyangi", "ㄱㅗㅇㅑㅇㅇㅣ", "고양이를", "고양이 포토"]
        {
            let titles = search.titles(&query(typed)).await;
            assert_eq!(titles.first().map(String::as_str), Some("고양이 사진전"), "{typed}");
        }
        assert_eq!(search.titles(&query("한강공원콘서트")).await, ["한강공원 버스킹"]);
        for typed in ["ㅓㅁㅋㅋ", "ｊａｚｚ", "wowm"] {
            let titles = search.titles(&query(typed)).await;
            assert!(titles.contains(&"재즈콘서트".to_owned()), "{typed}: {titles:?}");
            assert!(titles.contains(&"Jazz Night".to_owned()), "{typed}: {titles:?}");
        }
    });
}

#[test]
fn a_word_that_holds_another_is_not_that_one() {
    with_index(|search| async move {
        search.publish(&[listing("비공개 시사회"), listing("라이브"), listing("공개 녹화")]).await;
        assert_eq!(search.titles(&query("공개")).await, ["공개 녹화"]);
        assert_eq!(search.titles(&query("비공개")).await, ["비공개 시사회"]);
        assert!(search.titles(&query("아이")).await.is_empty());
        let there =
            Listing { place: "망원동 달빛소극장".parse().unwrap(), ..listing("밤") };
        search.publish(&[there]).await;
        assert_eq!(search.titles(&query("소극장")).await, ["밤"]);
    });
}

#[test]
fn signs_alone_find_nothing_and_do_no_harm() {
    with_index(|search| async move {
        programme(&search).await;
        for typed in ["", "?!", "\"*", "{\"match_all\":{}}", "~~~", "🎷", &"가".repeat(100)] {
            assert!(search.titles(&query(typed)).await.is_empty(), "{typed}");
        }
    });
}

#[test]
fn the_longest_question_is_answered() {
    with_index(|search| async move {
        programme(&search).await;
        let letters = ('a'..='z').map(|letter| format!(" {letter}")).collect::<String>();
        let dear = "kids gyeongangak jangangangi drawing yeongeungeu";
        for typed in [format!("{dear}{letters}"), "가 나 ".repeat(25), "jazz ".repeat(20)] {
            let typed: String = typed.chars().take(100).collect();
            search.titles(&query(&typed)).await;
        }
    });
}

#[test]
fn found_words_are_marked_and_the_rest_is_harmless_in_a_page() {
    with_index(|search| async move {
        let content = "<script>alert(1)</script> 재즈의 밤".parse().unwrap();
        search.publish(&[Listing { content, ..listing("재즈 & 시") }]).await;
        let page = search.first_page(&query("재즈")).await;
        let marked = &page.hits[0].highlights;
        assert_eq!(marked.title, ["<em>재즈</em> &amp; 시"]);
        assert_eq!(
            marked.content,
            ["&lt;script&gt;alert(1)&lt;&#x2F;script&gt; <em>재즈</em>의 밤"]
        );
    });
}
