use reqwest::Method;

use super::Rows;
use crate::world::{Member, World};

pub fn rows(world: &World, route: &str) -> Option<Rows> {
    let rows = Rows::default();
    let follow = |method, whom: &Member, by: &Member| {
        let path = format!("/v1/artists/{}/follow", whom.id);
        world.request(method, &path).bearer_auth(&by.token)
    };
    let World { artist, fan, stranger, .. } = world;
    Some(match route {
        "get_artist" => {
            let page = world.request(Method::GET, &format!("/v1/artists/{}", fan.id));
            rows.refuses(page, 404, "ARTIST_NOT_FOUND")
        }
        "follow_artist" => rows
            .refuses(follow(Method::PUT, artist, artist), 400, "FOLLOWS_ONESELF")
            .refuses(follow(Method::PUT, stranger, fan), 404, "ARTIST_NOT_FOUND"),
        "unfollow_artist" => {
            rows.refuses(follow(Method::DELETE, stranger, fan), 404, "ARTIST_NOT_FOUND")
        }
        "list_my_following" => rows,
        _ => return None,
    })
}
