//! `GET /v1/me/following`: the artists whom the caller follows.

use api::{Answer, Call, Cursors, List, Paging, Problem, Query};
use domain::{id::MemberId, member::Nickname, time::Time};
use serde::Serialize;
use store::{
    Store,
    identity::{follow::Following, member::Member, session::SignedIn},
};
use utoipa::ToSchema;

/// An artist whom somebody follows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FollowedArtist {
    /// The artist's id.
    id: MemberId,
    /// The name they are shown by.
    nickname: Nickname,
    /// Since when they are followed.
    since: Time,
}

impl From<(Following, Member)> for FollowedArtist {
    fn from((following, artist): (Following, Member)) -> Self {
        Self { id: artist.id, nickname: artist.nickname, since: following.since }
    }
}

/// Lists the artists whom one follows
///
/// The latest followed first. A page may be shorter than asked for: whoever has left is not shown.
#[utoipa::path(get, path = "/v1/me/following", params(Paging),
    responses((status = 200, description = "A page of artists", body = List<FollowedArtist>)),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<SignedIn, Query<Paging>>,
) -> Result<Answer<List<FollowedArtist>>, Problem> {
    let Call { who, input: Query(paging), context } = call;
    let member = store.session(&who, context.now).await?.member.id;
    let scope = format!("list_my_following {member}");
    let query = |limit, start| store.followed_by(member, limit, start);
    cursors.list(&scope, paging, query, FollowedArtist::from).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::who::Claims;
    use serde_json::json;
    use store::{Write, identity::member::MemberKey};

    use super::*;
    use crate::testing::{artist, fan, follow, following, paging, store};

    #[test]
    fn the_latest_is_first_on_every_page_and_who_left_is_not_shown() {
        stack::run(async {
            let (fan, began) = (fan().await, Time::now());
            let mut artists: Vec<Claims> = Vec::new();
            for number in 0..5 {
                artists.push(artist().await);
                let at = began.plus(Duration::from_secs(number));
                assert_eq!(
                    follow(store(), &fan, artists[number as usize].member_id, at).await.0,
                    204
                );
            }
            store().write(Write::delete(&MemberKey(artists[2].member_id)), ()).await.unwrap();
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = following(store(), &fan, paging(2, cursor.as_deref())).await.1;
                seen.extend(page["items"].as_array().unwrap().clone());
                let Some(next) = page["nextCursor"].as_str() else { break };
                cursor = Some(next.to_owned());
            }
            let nickname = stack::member(domain::member::Role::Artist, began).nickname;
            let expected = [4, 3, 1, 0].map(|number: u64| {
                let since = began.plus(Duration::from_secs(number));
                json!({ "id": artists[number as usize].member_id, "nickname": nickname, "since": since })
            });
            assert_eq!(seen, expected);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let fan = fan().await;
            for _ in 0..2 {
                assert_eq!(
                    follow(store(), &fan, artist().await.member_id, Time::now()).await.0,
                    204
                );
            }
            let (client, meter) = stack::metered();
            let seen =
                following(Store::new(client, stack::prefix()), &fan, Paging::default()).await;
            assert_eq!(seen.1["items"].as_array().unwrap().len(), 2);
            stack::assert_operation("list_my_following", &meter.take());
        });
    }
}
