//! `GET /v1/artists/{artistId}`: an artist's page.

use api::{Answer, Anyone, Call, Cursors, List, Paging, Path, Problem, Query};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use domain::{
    event::{Place, Price, State, Title},
    id::{EventId, MemberId},
    member::Nickname,
    time::Time,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::{
    Store,
    catalog::{of_artist::Position, on_sale::OnSale},
};
use utoipa::ToSchema;

use crate::path::ArtistPath;

/// An artist as everybody sees them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtistPage {
    /// The artist's id.
    id: MemberId,
    /// The name they are shown by.
    nickname: Nickname,
    /// How many members follow them.
    follower_count: u64,
    /// Their events: first those that are not over, the soonest to end first, then those that are, the latest first.
    events: List<ArtistEvent>,
}

/// An event on its artist's page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtistEvent {
    /// Its id.
    id: EventId,
    /// What it is called.
    title: Title,
    /// Where it takes place.
    place: Place,
    /// What one ticket costs, in won.
    price: Price,
    /// When it starts.
    starts_at: Time,
    /// When it ends.
    ends_at: Time,
    /// The first moment of the sale.
    sale_starts_at: Time,
    /// The first moment after the sale.
    sale_ends_at: Time,
    /// Whether it takes place.
    state: State,
    /// Whether it has ended.
    over: bool,
}

impl ArtistEvent {
    fn of(event: OnSale, now: Time) -> Self {
        let OnSale { id, title, place, price, schedule, state, .. } = event;
        Self {
            id,
            title,
            place,
            price,
            starts_at: schedule.starts_at(),
            ends_at: schedule.ends_at(),
            sale_starts_at: schedule.sale_starts_at(),
            sale_ends_at: schedule.sale_ends_at(),
            state,
            over: schedule.not_over(now).is_err(),
        }
    }
}

/// Reads an artist's page
///
/// Everybody may: name, followers, and events, open ones before those that are over. What comes after the first page of the events
/// is read with `cursor`. All of it may be a second old.
#[utoipa::path(get, path = "/v1/artists/{artistId}",
    params(
        ArtistPath,
        Paging,
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the caller has"),
    ),
    responses(
        (status = 200, description = "The artist", body = ArtistPage, headers(("ETag" = String))),
        (status = 304, description = "The caller has it already"),
    ),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<Anyone, (Path<ArtistPath>, Query<Paging>)>,
) -> Result<Answer<ArtistPage>, Problem> {
    let Call { input: (Path(ArtistPath { artist_id }), Query(paging)), context, .. } = call;
    let (artist, follower_count) = store.artist(artist_id).await?;
    let scope = format!("get_artist {artist_id}");
    let position = cursors.open(&scope, paging.cursor.as_deref()).await?;
    let position: Position = position.unwrap_or_else(|| Position::first(context.now));
    let now = position.now();
    let (events, next) = store.events_of_artist(artist_id, paging.limit().get(), position).await?;
    let items: Vec<_> = events.into_iter().map(|event| ArtistEvent::of(event, now)).collect();
    let page = |items, next_cursor| ArtistPage {
        id: artist_id,
        nickname: artist.nickname.clone(),
        follower_count,
        events: List { items, next_cursor },
    };
    // Not of the cursor: it tells when it was made, and is another each time.
    let shown = page(items, None);
    let shown_json =
        serde_json::to_vec(&shown).map_err(|_| Problem::new(domain::codes::INTERNAL))?;
    let tag = BASE64.encode(&Sha256::digest(shown_json)[..12]);
    let page = page(shown.events.items, cursors.seal(&scope, next).await?);
    Ok(Answer::ok(page).tagged(&tag, &context).public())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::event::Schedule;
    use serde_json::json;
    use store::{
        Transaction, Write,
        catalog::{
            event::{Event, EventKey},
            on_sale::OnSaleKey,
        },
    };

    use super::*;
    use crate::testing::{artist, fan, follow, page_of, paging, store};

    const HOUR: Duration = Duration::from_hours(1);

    /// An event of an artist that ends then; it takes an hour.
    async fn ending(artist: MemberId, end: Time) -> Event {
        let [start, sale] = [end.minus(HOUR), end.minus(HOUR * 1_000)];
        let schedule = Schedule::new(start, end, sale, start).unwrap();
        let event = Event { artist_id: artist, schedule, ..stack::event(50, Time::now()) };
        let publishing =
            event.create().into_iter().fold(Transaction::<()>::new(), Transaction::also);
        store().transact(publishing).await.unwrap();
        event
    }

    /// All pages of so many, the first of them asked for at one time and the others at another.
    async fn events(artist: MemberId, limit: u8, first: Time, then: Time) -> Vec<(String, bool)> {
        let (mut events, mut cursor, mut now) = (Vec::new(), None, first);
        loop {
            let page = page_of(store(), artist, paging(limit, cursor.as_deref()), "", now).await.1;
            let items = page["events"]["items"].as_array().unwrap_or_else(|| panic!("{page}"));
            let text = |id: &serde_json::Value| id.as_str().unwrap().to_owned();
            events.extend(items.iter().map(|it| (text(&it["id"]), it["over"] == true)));
            let Some(next) = page["events"]["nextCursor"].as_str() else { return events };
            (cursor, now) = (Some(next.to_owned()), then);
        }
    }

    #[test]
    fn open_events_come_first_the_soonest_before_the_rest_and_then_those_that_are_over() {
        stack::run(async {
            let (artist, now) = (artist().await.member_id, Time::now());
            let mut open = Vec::new();
            for hours in [30, 10, 20] {
                open.push(ending(artist, now.plus(HOUR * hours)).await.id);
            }
            let mut past = Vec::new();
            for ended in [Duration::ZERO, HOUR * 30, HOUR] {
                past.push(ending(artist, now.minus(ended)).await.id);
            }
            let expected = [
                (open[1], false),
                (open[2], false),
                (open[0], false),
                (past[0], true),
                (past[2], true),
                (past[1], true),
            ];
            let expected = expected.map(|(id, over)| (id.to_string(), over));
            for limit in [1, 2, 3, 4, 6, 100] {
                assert_eq!(events(artist, limit, now, now).await, expected, "{limit} a page");
                // All of them end while somebody reads.
                let later = now.plus(HOUR * 100);
                assert_eq!(events(artist, limit, now, later).await, expected, "{limit} a page");
            }
        });
    }

    #[test]
    fn what_was_deleted_is_not_shown_and_what_was_called_off_is_shown_as_that() {
        stack::run(async {
            let (artist, now) = (artist().await.member_id, Time::now());
            let end = now.plus(HOUR);
            let (gone, off) = (ending(artist, end).await, ending(artist, end).await);
            let change = async |event: Event| {
                let writing = Transaction::<()>::new()
                    .also(Write::put(&EventKey(event.id), &event))
                    .also(Write::put(&OnSaleKey(event.id), &(&event).into()));
                store().transact(writing).await.unwrap();
            };
            change(Event { deleted_at: Some(now), ..gone }).await;
            change(Event { state: State::Cancelled, ..off.clone() }).await;
            let page = page_of(store(), artist, Paging::default(), "", now).await.1;
            let shown = page["events"]["items"].as_array().unwrap();
            assert_eq!(shown.len(), 1, "{page}");
            assert_eq!(
                (&shown[0]["id"], &shown[0]["state"]),
                (&json!(off.id), &json!("CANCELLED"))
            );
        });
    }

    #[test]
    fn who_has_the_page_is_told_so_until_a_follower_or_an_event_comes() {
        stack::run(async {
            let (artist, now) = (artist().await.member_id, Time::now());
            for hours in 1..4 {
                ending(artist, now.plus(HOUR * hours)).await;
            }
            let ask = async |known: &str| {
                page_of(store(), artist, paging(2, None), known, Time::now()).await
            };
            let tag = |(_, _, headers): &crate::testing::Seen| {
                headers["etag"].to_str().unwrap().to_owned()
            };
            let first = ask("").await;
            assert!(first.1["events"]["nextCursor"].is_string());
            assert_eq!(first.2["cache-control"], "public, max-age=2, stale-while-revalidate=10");
            let again = ask(&tag(&first)).await;
            assert_eq!((again.0, again.1.is_null()), (304, true));
            follow(store(), &fan().await, artist, now).await;
            let second = ask(&tag(&first)).await;
            assert_eq!((second.0, &second.1["followerCount"]), (200, &json!(1)));
            ending(artist, now.plus(HOUR)).await;
            assert_eq!(ask(&tag(&second)).await.0, 200);
        });
    }

    #[test]
    fn whoever_is_no_artist_has_no_page() {
        stack::run(async {
            for whom in [fan().await.member_id, MemberId::generate()] {
                let (status, problem, _) =
                    page_of(store(), whom, Paging::default(), "", Time::now()).await;
                assert_eq!((status, &problem["code"]), (404, &json!("ARTIST_NOT_FOUND")));
            }
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (artist, now) = (artist().await.member_id, Time::now());
            for end in [now.plus(HOUR), now.minus(HOUR)] {
                ending(artist, end).await;
            }
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            let page = page_of(store, artist, Paging::default(), "", now).await.1;
            assert_eq!(page["events"]["items"].as_array().unwrap().len(), 2);
            stack::assert_operation("get_artist", &meter.take());
        });
    }
}
