//! What this part's tests share.

use api::{Anyone, Call, Context, Cursors, Paging, Path, Problem, Query, Response};
use aws::Secret;
use domain::{id::MemberId, member::Role, time::Time, who::Claims};
use http::HeaderMap;
use serde_json::{Value, json};
use store::Store;

use crate::{follow_artist, get_artist, list_my_following, path::ArtistPath, unfollow_artist};

pub fn store() -> Store {
    Store::new(stack::dynamo(), stack::prefix())
}

/// Cursors with a key of this process.
pub async fn cursors() -> Cursors {
    let (aws, id) = stack::cursor_secret().await;
    Cursors::new(Secret::new(&aws, &id))
}

pub async fn artist() -> Claims {
    stack::sign_in(&store(), Role::Artist, Time::now()).await
}

pub async fn fan() -> Claims {
    stack::sign_in(&store(), Role::User, Time::now()).await
}

/// What a caller sees: the status, the body, the headers.
pub type Seen = (u16, Value, HeaderMap);

fn seen<T>(answer: Result<T, Problem>) -> Seen
where
    Response: From<T>,
{
    let refuse = |problem: Problem| problem.into_response(&Context::at(Time::now()));
    let (head, body) = answer.map_or_else(refuse, Response::from).into_parts();
    (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default(), head.headers)
}

fn by<I>(who: &Claims, input: I, now: Time) -> Call<store::identity::session::SignedIn, I> {
    Call { who: stack::caller(who), input, context: Context::at(now) }
}

pub async fn follow(store: Store, who: &Claims, artist_id: MemberId, now: Time) -> Seen {
    seen(follow_artist::handle(store, by(who, Path(ArtistPath { artist_id }), now)).await)
}

pub async fn unfollow(store: Store, who: &Claims, artist_id: MemberId) -> Seen {
    let call = by(who, Path(ArtistPath { artist_id }), Time::now());
    seen(unfollow_artist::handle(store, call).await)
}

/// Asks for pages of so many, from a cursor on.
pub fn paging(limit: u8, cursor: Option<&str>) -> Paging {
    let mut paging = json!({ "limit": limit.to_string() });
    if let Some(cursor) = cursor {
        paging["cursor"] = cursor.into();
    }
    deserr::deserialize::<_, _, api::FieldFaults>(paging).unwrap()
}

pub async fn following(store: Store, who: &Claims, paging: Paging) -> Seen {
    let clients = (store, cursors().await);
    seen(list_my_following::handle(clients, by(who, Query(paging), Time::now())).await)
}

pub async fn page_of(
    store: Store,
    artist_id: MemberId,
    paging: Paging,
    known: &str,
    now: Time,
) -> Seen {
    let mut context = Context::at(now);
    context.headers.insert("If-None-Match", known.parse().unwrap());
    let input = (Path(ArtistPath { artist_id }), Query(paging));
    let call = Call { who: Anyone, input, context };
    seen(get_artist::handle((store, cursors().await), call).await)
}

/// How many follow an artist, as their page says.
pub async fn follower_count(artist: MemberId) -> u64 {
    let page = page_of(store(), artist, Paging::default(), "", Time::now()).await;
    page.1["followerCount"].as_u64().unwrap_or_else(|| panic!("{}", page.1))
}
