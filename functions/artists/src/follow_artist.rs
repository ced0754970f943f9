//! `PUT /v1/artists/{artistId}/follow`: the caller follows an artist.

use api::{Answer, Call, Path, Problem};
use store::{Store, identity::session::SignedIn};

use crate::path::ArtistPath;

/// Follows an artist
///
/// From then on each event that the artist publishes is told to the caller (`GET /v1/notifications`). Whoever follows already
/// goes on. Nobody follows themselves (`FOLLOWS_ONESELF`), or more than 1,000 artists (`FOLLOWS_TOO_MANY`).
#[utoipa::path(put, path = "/v1/artists/{artistId}/follow", params(ArtistPath),
    responses((status = 204, description = "Followed")),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<ArtistPath>>,
) -> Result<Answer<()>, Problem> {
    let Call { who, input: Path(ArtistPath { artist_id }), context } = call;
    let member = store.session(&who, context.now).await?.member;
    store.follow(member.id, artist_id, context.now).await?;
    Ok(Answer::nothing())
}

#[cfg(test)]
mod tests {
    use api::Paging;
    use aws_sdk_dynamodb::types::AttributeValue;
    use domain::{id::MemberId, time::Time, who::Claims};
    use futures::future::join_all;
    use serde_json::json;

    use super::*;
    use crate::testing::{artist, fan, follow, follower_count, following, store};

    /// Twenty clicks at once.
    async fn clicks(store: Store, who: &Claims, artist: MemberId) {
        let click = || follow(store.clone(), who, artist, Time::now());
        for (status, problem, _) in join_all((0..20).map(|_| click())).await {
            assert_eq!(status, 204, "{problem}");
        }
    }

    #[test]
    fn clicks_at_the_same_moment_are_one_follower() {
        stack::run(async {
            let (artist, fan) = (artist().await.member_id, fan().await);
            clicks(store(), &fan, artist).await;
            assert_eq!(follower_count(artist).await, 1);
            let list = following(store(), &fan, Paging::default()).await.1;
            assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
        });
    }

    #[test]
    fn without_the_pairs_condition_they_are_counted_each() {
        stack::run(async {
            let each = async || {
                let (artist, fan) = (artist().await.member_id, fan().await);
                clicks(Store::new(stack::without("pk"), stack::prefix()), &fan, artist).await;
                follower_count(artist).await > 1
            };
            assert!(stack::happens(each).await);
        });
    }

    #[test]
    fn followers_who_come_at_once_are_all_counted() {
        stack::run(async {
            let artist = artist().await.member_id;
            let fans = join_all((0..40).map(|_| fan())).await;
            let all = fans.iter().map(|fan| follow(store(), fan, artist, Time::now()));
            assert!(join_all(all).await.iter().all(|(status, ..)| *status == 204));
            assert_eq!(follower_count(artist).await, 40);
        });
    }

    #[test]
    fn a_lost_answer_makes_no_second_follower() {
        stack::run(async {
            let (artist, fan) = (artist().await.member_id, fan().await);
            let losing = Store::new(stack::losing("TransactWriteItems", 1), stack::prefix());
            assert_eq!(follow(losing, &fan, artist, Time::now()).await.0, 204);
            assert_eq!(follower_count(artist).await, 1);
        });
    }

    #[test]
    fn only_artists_are_followed_and_nobody_by_themselves() {
        stack::run(async {
            let (artist, fan, other) = (artist().await, fan().await, fan().await);
            for (who, whom, told) in [
                (&artist, artist.member_id, (400, "FOLLOWS_ONESELF")),
                (&fan, other.member_id, (404, "ARTIST_NOT_FOUND")),
                (&fan, MemberId::generate(), (404, "ARTIST_NOT_FOUND")),
            ] {
                let (status, problem, _) = follow(store(), who, whom, Time::now()).await;
                assert_eq!((status, &problem["code"]), (told.0, &json!(told.1)));
            }
            let another = crate::testing::artist().await.member_id;
            assert_eq!(follow(store(), &artist, another, Time::now()).await.0, 204);
        });
    }

    #[test]
    fn a_member_follows_so_many_artists_and_no_more() {
        stack::run(async {
            let (first, second, fan) = (artist().await, artist().await, fan().await);
            let count = async |count: u32| {
                let text = |text: String| AttributeValue::S(text);
                let update = stack::dynamo()
                    .update_item()
                    .table_name(format!("{}-identity", stack::prefix()))
                    .key("pk", text(format!("MEM#{}", fan.member_id)))
                    .key("sk", text("FOLLOWING".into()))
                    .update_expression("SET #count = :count")
                    .expression_attribute_names("#count", "count")
                    .expression_attribute_values(":count", AttributeValue::N(count.to_string()));
                update.send().await.unwrap();
            };
            count(store::identity::follow::MOST - 1).await;
            assert_eq!(follow(store(), &fan, first.member_id, Time::now()).await.0, 204);
            let (status, problem, _) = follow(store(), &fan, second.member_id, Time::now()).await;
            assert_eq!((status, &problem["code"]), (400, &json!("FOLLOWS_TOO_MANY")));
            // Whom they follow already is none more.
            assert_eq!(follow(store(), &fan, first.member_id, Time::now()).await.0, 204);
            assert_eq!(follower_count(second.member_id).await, 0);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (artist, fan) = (artist().await.member_id, fan().await);
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            for operation in ["follow_artist", "follow_artist again"] {
                assert_eq!(follow(store.clone(), &fan, artist, Time::now()).await.0, 204);
                stack::assert_operation(operation, &meter.take());
            }
        });
    }
}
