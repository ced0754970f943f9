use reqwest::Method;
use serde_json::{Value, json};

use super::Rows;
use crate::world::{Member, World};

pub fn rows(world: &World, route: &str) -> Option<Rows> {
    let rows = Rows::default();
    Some(match route {
        "create_event" => {
            let good = world.event_body();
            let mut backwards = good.clone();
            backwards["endsAt"] = good["startsAt"].clone();
            backwards["saleEndsAt"] = good["saleStartsAt"].clone();
            let post = || world.post("/v1/events", &world.artist).json(&backwards);
            let mut unpayable = good.clone();
            unpayable["price"] = 49.into();
            let unpayable = world.post("/v1/events", &world.artist).json(&unpayable);
            let mut saved = good.clone();
            saved["state"] = "CANCELLED".into();
            let saved = world.post("/v1/events", &world.artist).json(&saved);
            rows.takes(good)
                .finds(saved, "body", "/state", "CHOICE")
                .finds(post(), "body", "/endsAt", "AFTER")
                .finds(post(), "body", "/saleEndsAt", "AFTER")
                .finds(unpayable, "body", "/price", "RANGE")
        }
        "change_event" => {
            let path = format!("/v1/events/{}", world.event);
            let patch = |by: &Member, body: Value| {
                let patch = world.request(Method::PATCH, &path).bearer_auth(&by.token);
                patch.header("If-Match", "*").json(&body)
            };
            let change = |body| patch(&world.artist, body);
            let stale = world.request(Method::PATCH, &path).bearer_auth(&world.artist.token);
            let stale = stale.header("If-Match", "\"7.1\"").json(&json!({ "title": "늦은 이름" }));
            rows.takes(json!({ "content": "바뀐 내용" }))
                .finds(change(json!({ "title": null })), "body", "/title", "MISSING")
                .finds(change(json!({ "price": 49 })), "body", "/price", "RANGE")
                .finds(
                    change(json!({ "startsAt": "2020-01-01T00:00:00Z" })),
                    "body",
                    "/startsAt",
                    "NOTICE",
                )
                .finds(change(json!({ "state": "DRAFT" })), "body", "/state", "CHOICE")
                .refuses(stale, 412, "CHANGED_SINCE")
                .refuses(patch(&world.fan, json!({ "title": "내 것" })), 404, "EVENT_NOT_FOUND")
        }
        "delete_event" => {
            let path = format!("/v1/events/{}", world.event);
            let fans = world.request(Method::DELETE, &path).bearer_auth(&world.fan.token);
            rows.refuses(fans, 404, "EVENT_NOT_FOUND")
        }
        "get_my_event" => {
            let path = format!("/v1/me/events/{}", world.event);
            let fans = world.request(Method::GET, &path).bearer_auth(&world.fan.token);
            rows.refuses(fans, 404, "EVENT_NOT_FOUND")
        }
        "get_event" | "get_calendar_entry" | "list_my_events" | "search_events" => rows,
        _ => return None,
    })
}
