//! `DELETE /v1/artists/{artistId}/follow`: the caller no longer follows an artist.

use api::{Answer, Call, Path, Problem};
use store::{Store, identity::session::SignedIn};

use crate::path::ArtistPath;

/// No longer follows an artist
///
/// Whoever does not follow stays so. What was told before stays in the inbox.
#[utoipa::path(delete, path = "/v1/artists/{artistId}/follow", params(ArtistPath),
    responses((status = 204, description = "No longer followed")),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<ArtistPath>>,
) -> Result<Answer<()>, Problem> {
    let Call { who, input: Path(ArtistPath { artist_id }), context } = call;
    let member = store.session(&who, context.now).await?.member;
    store.unfollow(member.id, artist_id).await?;
    Ok(Answer::nothing())
}

#[cfg(test)]
mod tests {
    use api::Paging;
    use domain::{id::MemberId, time::Time, who::Claims};
    use futures::future::join_all;
    use serde_json::json;

    use super::*;
    use crate::testing::{
        artist, fan, follow, follower_count, following, page_of, store, unfollow,
    };

    /// An artist with two followers, and one of these.
    async fn followed() -> (MemberId, Claims) {
        let (artist, fan, other) = (artist().await.member_id, fan().await, fan().await);
        for fan in [&fan, &other] {
            assert_eq!(follow(store(), fan, artist, Time::now()).await.0, 204);
        }
        (artist, fan)
    }

    async fn clicks(store: Store, who: &Claims, artist: MemberId) {
        let click = || unfollow(store.clone(), who, artist);
        for (status, problem, _) in join_all((0..20).map(|_| click())).await {
            assert_eq!(status, 204, "{problem}");
        }
    }

    #[test]
    fn clicks_at_the_same_moment_are_one_follower_less() {
        stack::run(async {
            let (artist, fan) = followed().await;
            clicks(store(), &fan, artist).await;
            assert_eq!(follower_count(artist).await, 1);
            let list = following(store(), &fan, Paging::default()).await.1;
            assert_eq!(list["items"], json!([]));
            // And back again.
            assert_eq!(follow(store(), &fan, artist, Time::now()).await.0, 204);
            assert_eq!(follower_count(artist).await, 2);
        });
    }

    #[test]
    fn without_the_pairs_condition_they_are_taken_off_each() {
        stack::run(async {
            let each = async || {
                let (artist, fan) = followed().await;
                clicks(Store::new(stack::without("since"), stack::prefix()), &fan, artist).await;
                let (status, page, _) =
                    page_of(store(), artist, Paging::default(), "", Time::now()).await;
                // Below zero is no number of followers, and no page.
                status == 500 || page["followerCount"] != 1
            };
            assert!(stack::happens(each).await);
        });
    }

    #[test]
    fn a_lost_answer_takes_no_second_follower_off() {
        stack::run(async {
            let (artist, fan) = followed().await;
            let losing = Store::new(stack::losing("TransactWriteItems", 1), stack::prefix());
            assert_eq!(unfollow(losing, &fan, artist).await.0, 204);
            assert_eq!(follower_count(artist).await, 1);
        });
    }

    #[test]
    fn who_never_followed_is_no_follower_less_and_who_is_no_artist_is_not_found() {
        stack::run(async {
            let (artist, _) = followed().await;
            let fan = fan().await;
            assert_eq!(unfollow(store(), &fan, artist).await.0, 204);
            assert_eq!(follower_count(artist).await, 2);
            for whom in [fan.member_id, MemberId::generate()] {
                let (status, problem, _) = unfollow(store(), &fan, whom).await;
                assert_eq!((status, &problem["code"]), (404, &json!("ARTIST_NOT_FOUND")));
            }
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (artist, fan) = followed().await;
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            for operation in ["unfollow_artist", "unfollow_artist again"] {
                assert_eq!(unfollow(store.clone(), &fan, artist).await.0, 204);
                stack::assert_operation(operation, &meter.take());
            }
        });
    }
}
