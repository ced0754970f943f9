//! A season of 2,400 events out of a fixed seed: the same on every machine, each with the facts that it is judged by.

use std::collections::BTreeMap;

use domain::event::{Category, Schedule, State};
use serde::Deserialize;

use super::super::{DAY, HOUR, now};
use crate::Listing;

pub(super) const EVENTS: usize = 2_400;
const SEED: u64 = 20_261_130;

/// What is known of an event, by the fact's name. Nothing that its text and its fields do not bear out.
pub(super) type Facts = BTreeMap<&'static str, String>;

/// An event with what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Show {
    pub(super) listing: Listing,
    pub(super) facts: Facts,
}

/// The words that events are made of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    themes: Vec<String>,
    venues: Vec<Venue>,
    audiences: Vec<Audience>,
    accesses: Vec<Access>,
    free: Vec<String>,
    paid: Vec<String>,
    closing: Vec<String>,
    mention: String,
    categories: Vec<Kind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Venue {
    district: String,
    name: String,
    hall: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Audience {
    name: String,
    title: String,
    content: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Access {
    name: String,
    titles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    name: Category,
    /// Where such things take place.
    halls: Vec<String>,
    artists: Vec<String>,
    forms: Vec<String>,
    titles: Vec<String>,
    content: Vec<String>,
    genres: Vec<Genre>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Genre {
    name: String,
    content: Vec<String>,
}

/// All events, each a chance of its own.
pub(super) fn season() -> Vec<Show> {
    let words: Words = serde_json::from_str(include_str!("words.json")).unwrap();
    let mut chance = Chance(SEED);
    (0..EVENTS).map(|number| show(number, &words, &mut chance)).collect()
}

fn show(number: usize, words: &Words, chance: &mut Chance) -> Show {
    let kind = chance.pick(&words.categories);
    let genre = chance.pick(&kind.genres);
    let other = chance.pick(&words.categories);
    let other = chance.pick(&other.genres);
    let hall = chance.pick(&kind.halls);
    let venues: Vec<&Venue> = words.venues.iter().filter(|venue| venue.hall == *hall).collect();
    let venue = *chance.pick(&venues);
    let at = chance.below(kind.artists.len());
    let price = if chance.one_in(7) { 0 } else { 5_000 + 1_000 * chance.below(60) as i64 };
    let mut facts = Facts::from([
        ("category", kind.name.to_string()),
        ("genre", genre.name.clone()),
        ("artist", kind.artists[at].clone()),
        ("district", venue.district.clone()),
        ("venue", venue.name.clone()),
        ("hall", venue.hall.clone()),
        ("price", if price == 0 { "free" } else { "paid" }.to_owned()),
    ]);

    let blanks = [
        ("{theme}", chance.pick(&words.themes).as_str()),
        ("{form}", chance.pick(&kind.forms).as_str()),
        ("{genre}", &genre.name),
        ("{artist}", &kind.artists[at]),
        ("{place}", &venue.name),
        ("{other}", &other.name),
    ];
    let mut title = chance.pick(&kind.titles).clone();
    let mut content = vec![chance.pick(&kind.content), chance.pick(&genre.content)];
    if chance.one_in(3) {
        let audience = chance.pick(&words.audiences);
        content.push(chance.pick(&audience.content));
        facts.insert("audience", audience.name.clone());
        if chance.one_in(2) {
            title = format!("{} {title}", audience.title);
        }
    }
    if chance.one_in(30) {
        let access = chance.pick(&words.accesses);
        title = format!("{title} {}", chance.pick(&access.titles));
        facts.insert("access", access.name.clone());
    }
    if chance.one_in(10) {
        content.push(&words.mention);
    }
    if chance.one_in(2) {
        content.push(chance.pick(if price == 0 { &words.free } else { &words.paid }));
    }
    content.push(chance.pick(&words.closing));

    let content = content.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    // What the blanks hold is a fact where it was written, too.
    for (name, blank, at) in [
        ("theme", "{theme}", format!("{title} {content}")),
        ("form", "{form}", title.clone()),
        ("mentions", "{other}", content.clone()),
    ] {
        if at.contains(blank) {
            facts.insert(name, filled(blank, &blanks));
        }
    }

    let starts_at =
        now().plus(DAY * (3 + chance.below(60) as u32) + HOUR * chance.below(10) as u32);
    let sale_starts_at = now().minus(DAY).plus(DAY * chance.below(3) as u32);
    let listing = Listing {
        id: format!("evt_{number:026}").parse().unwrap(),
        version: 1,
        title: filled(&title, &blanks).parse().unwrap(),
        content: filled(&content, &blanks).parse().unwrap(),
        place: format!("{} {}", venue.district, venue.name).parse().unwrap(),
        category: kind.name,
        capacity: (10 + 5 * chance.below(30) as i64).try_into().unwrap(),
        price: price.try_into().unwrap(),
        artist_id: format!("mem_{at:026}").parse().unwrap(),
        artist_nickname: kind.artists[at].parse().unwrap(),
        schedule: Schedule::new(starts_at, starts_at.plus(2 * HOUR), sale_starts_at, starts_at)
            .unwrap(),
        created_at: now().minus(DAY * (1 + chance.below(30) as u32)),
        state: State::Open,
    };
    Show { listing, facts }
}

/// A text with its blanks filled.
fn filled(text: &str, blanks: &[(&str, &str)]) -> String {
    let text = blanks.iter().fold(text.to_owned(), |text, (blank, with)| text.replace(blank, with));
    with_particles(&text)
}

/// `[과/와]` becomes the one that suits the letter before it: the first after a final consonant.
fn with_particles(text: &str) -> String {
    let mut parts = text.split('[');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (choice, rest) = part.split_once(']').unwrap();
        let (after_final, after_vowel) = choice.split_once('/').unwrap();
        let suits = if takes_first(&whole, after_final) { after_final } else { after_vowel };
        whole.push_str(suits);
        whole.push_str(rest);
    }
    whole
}

fn takes_first(before: &str, particle: &str) -> bool {
    const FIRST: u32 = '가' as u32;
    const RIEUL: u32 = 8;
    let last = before.chars().rfind(|c| c.is_alphanumeric()).filter(|c| ('가'..='힣').contains(c));
    match last.map_or(0, |syllable| (syllable as u32 - FIRST) % 28) {
        0 => false,
        RIEUL => particle != "으로",
        _ => true,
    }
}

/// SplitMix64: a few lines that nobody's next version changes.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

#[test]
fn the_season_is_the_same_each_time_and_reads_like_korean() {
    let season = season();
    assert_eq!(season, self::season());
    let ids: std::collections::BTreeSet<_> = season.iter().map(|show| show.listing.id).collect();
    assert_eq!(ids.len(), EVENTS);
    for text in season.iter().map(|show| format!("{} {}", show.listing.title, show.listing.content))
    {
        assert!(!text.contains(['{', '}', '[', ']']), "{text}");
    }
    // FNV-1a of all that is indexed. Who changes the generator or its words measures anew, and writes the new one here.
    let all = serde_json::to_vec(&season.iter().map(|show| &show.listing).collect::<Vec<_>>());
    let print = all.unwrap().iter().fold(0xCBF2_9CE4_8422_2325, |print, byte| {
        (print ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    });
    assert_eq!(print, 8_953_311_847_279_718_640, "{:?}", season[0]);
}

#[test]
fn particles_suit_the_letter_before() {
    assert_eq!(
        with_particles("재즈[으로/로], ‘달’[이라는/라는] 블루스[을/를]"),
        "재즈로, ‘달’이라는 블루스를"
    );
    assert_eq!(
        with_particles("Trio Blue[이/가] 화실[으로/로] 극단[과/와]"),
        "Trio Blue가 화실로 극단과"
    );
}
