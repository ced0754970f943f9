//! An artist's plans, through the deployed stack: a draft, its publication, another place, a larger hall, the end.

use std::time::Duration;

use domain::time::Time;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    followers::{emptied, send},
    world::{Member, World, eventually},
};

/// The stream, the bus, a queue and nine messages or more lie between an event and who is told of it.
const PATIENCE: u64 = 60;

impl World {
    async fn change(&self, event: &str, tag: &str, body: Value) -> Value {
        let patch = self.request(Method::PATCH, &format!("/v1/events/{event}"));
        self.done(patch.bearer_auth(&self.artist.token).header("If-Match", tag).json(&body)).await
    }

    /// Pays what a member has ordered.
    async fn pays(&self, payment: &Value) -> String {
        let id = payment["id"].as_str().unwrap();
        let back = self.at_kakaopay(id, "approve").await;
        assert_eq!(self.done(self.request(Method::GET, &back)).await["state"], "APPROVED");
        format!("/v1/payments/{id}")
    }

    async fn delete(&self, event: &str) -> Value {
        let delete = self.request(Method::DELETE, &format!("/v1/events/{event}"));
        self.done(delete.bearer_auth(&self.artist.token)).await
    }

    /// What a member was told of an event, the kinds of it.
    async fn told_of(&self, by: &Member, event: &str) -> Vec<String> {
        let inbox = self.get("/v1/notifications?limit=100", by).await;
        let items = inbox["items"].as_array().unwrap().iter();
        let of_it = items.filter(|it| it["event"]["id"] == *event);
        of_it.map(|it| it["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// The shows that a title is found by.
    async fn found(&self, title: &str) -> Vec<String> {
        let search = self.request(Method::GET, "/v1/events").query(&[("title", title)]);
        let found = self.done(search).await;
        let items = found["items"].as_array().unwrap().iter();
        items.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    }

    async fn is_public(&self, event: &str) -> bool {
        let read = self.request(Method::GET, &format!("/v1/events/{event}"));
        read.send().await.unwrap().status() == 200
    }
}

#[test]
fn a_draft_is_seen_by_nobody_until_it_is_published_and_followers_hear_of_it_once() {
    stack::run(async {
        let world = World::new().await;
        let path = format!("/v1/artists/{}/follow", world.artist.id);
        let follow = world.request(Method::PUT, &path).bearer_auth(&world.fan.token);
        world.served(follow).await;
        let title = format!("초안 {}", world.fresh());
        let mut draft = world.event_body();
        (draft["title"], draft["state"]) = (title.clone().into(), "DRAFT".into());
        let draft = world.publish(draft).await;
        // Published after it, so that whoever hears of this one would have heard of that.
        let other = world.publish(world.event_body()).await;
        eventually("the fan hears of the other", PATIENCE, async || {
            (world.told_of(&world.fan, &other).await == ["NEW_EVENT"]).then_some(())
        })
        .await;
        assert!(
            world.told_of(&world.fan, &draft).await.is_empty() && !world.is_public(&draft).await
        );
        assert!(world.found(&title).await.is_empty());
        let own = world.get(&format!("/v1/me/events/{draft}"), &world.artist).await;
        assert_eq!((&own["state"], &own["title"]), (&json!("DRAFT"), &json!(title)));
        let all = world.get("/v1/me/events", &world.artist).await;
        assert_eq!(all["items"][0]["id"], *draft, "drafts come first: {all}");
        let order = json!({ "purpose": "TICKETS", "eventId": draft, "quantity": 1 });
        let buying = world.post("/v1/payments", &world.fan).json(&order);
        assert_eq!(world.refused(buying).await, (404, "EVENT_NOT_FOUND".into()));

        let mut unwanted = world.event_body();
        unwanted["state"] = "DRAFT".into();
        let unwanted = world.publish(unwanted).await;
        assert_eq!(world.delete(&unwanted).await["became"], "DELETED");

        let published = world.change(&draft, "\"1.0\"", json!({ "state": "OPEN" })).await;
        assert_eq!((&published["state"], &published["seatsLeft"]), (&json!("OPEN"), &json!(50)));
        world.buy(&world.fan, &draft, 1).await;
        eventually("it is found, and the fan hears of it", PATIENCE, async || {
            let told = world.told_of(&world.fan, &draft).await;
            (world.found(&title).await == [draft.clone()] && told == ["NEW_EVENT"]).then_some(())
        })
        .await;
        world.change(&draft, "*", json!({ "state": "OPEN", "content": "다른 내용" })).await;
        assert_eq!(world.told_of(&world.fan, &draft).await, ["NEW_EVENT"]);
    });
}

#[test]
fn who_bought_is_told_of_another_place_and_may_have_everything_back() {
    stack::run(async {
        let world = World::new().await;
        let soon = |hours| json!(Time::now().plus(Duration::from_hours(hours)));
        let mut event = world.event_body();
        event["startsAt"] = soon(30);
        event["saleEndsAt"] = soon(29);
        let event = world.publish(event).await;
        let paid = world.pays(&world.buy(&world.fan, &event, 2).await).await;
        let quote = format!("{paid}/refund-quote");
        assert_eq!(world.get(&quote, &world.fan).await["percent"], 70);

        let seen = world.request(Method::GET, &format!("/v1/events/{event}"));
        let tag = seen.send().await.unwrap().headers()["etag"].to_str().unwrap().to_owned();
        let moved = world.change(&event, &tag, json!({ "place": "연남동 별빛홀" })).await;
        assert_eq!(moved["place"], "연남동 별빛홀");
        let stale = world.request(Method::PATCH, &format!("/v1/events/{event}"));
        let stale = stale.bearer_auth(&world.artist.token).header("If-Match", tag);
        let stale = stale.json(&json!({ "place": "어디에도 없는 곳" }));
        assert_eq!(world.refused(stale).await, (412, "CHANGED_SINCE".into()));
        eventually("the fan hears of the move", PATIENCE, async || {
            let told = world.told_of(&world.fan, &event).await;
            told.contains(&"EVENT_CHANGED".to_owned()).then_some(())
        })
        .await;
        assert_eq!(world.get(&quote, &world.fan).await["percent"], 100);
        // The bus brings it again.
        let id = format!("EventMoved:{event}:2");
        let detail = json!({
            "id": id, "eventId": event, "termsVersion": moved["termsVersion"], "updatedAt": moved["updatedAt"],
        });
        send("buyers", &json!({ "detail": detail })).await;
        emptied("buyers").await;
        let told = world.told_of(&world.fan, &event).await;
        assert_eq!(told.iter().filter(|kind| *kind == "EVENT_CHANGED").count(), 1);
        assert!(world.told_of(&world.stranger, &event).await.is_empty());
    });
}

#[test]
fn seats_of_a_larger_hall_are_first_for_those_who_wait() {
    stack::run(async {
        let world = World::new().await;
        let (event, _) = world.full_house(&world.fan, &world.stranger).await;
        let larger = world.change(&event, "*", json!({ "capacity": 3 })).await;
        assert_eq!(larger["seatsLeft"], 0, "nobody else buys them meanwhile");
        let line = format!("/v1/events/{event}/waiting-list");
        // The sweeper has the list looked at within the minute.
        eventually("the seats are offered", 90, async || {
            let waits = world.get(&line, &world.stranger).await;
            (waits["state"] == "OFFERED").then_some(())
        })
        .await;
        world.has_seats_left(&event, 1, 90).await;
        let own = world.get("/v1/me/events", &world.artist).await;
        let own = own["items"].as_array().unwrap().iter().find(|it| it["id"] == *event).unwrap();
        assert_eq!(own["seats"], json!({ "free": 1, "offered": 1, "held": 0, "sold": 1 }));
    });
}

#[test]
fn what_somebody_has_a_ticket_of_is_called_off_and_all_else_is_deleted() {
    stack::run(async {
        let world = World::new().await;
        let title = format!("사라질 공연 {}", world.fresh());
        let mut event = world.event_body();
        event["title"] = title.clone().into();
        let unsold = world.publish(event).await;
        eventually("it is found", 30, async || {
            (world.found(&title).await == [unsold.clone()]).then_some(())
        })
        .await;
        assert_eq!(world.delete(&unsold).await["became"], "DELETED");
        assert!(!world.is_public(&unsold).await);
        eventually("it is found no more", 30, async || {
            world.found(&title).await.is_empty().then_some(())
        })
        .await;

        let sold = world.publish(world.event_body()).await;
        let paid = world.pays(&world.buy(&world.fan, &sold, 1).await).await;
        assert_eq!(world.delete(&sold).await["became"], "CANCELLED");
        eventually("the money is back", PATIENCE, async || {
            (world.get(&paid, &world.fan).await["state"] == "REFUNDED").then_some(())
        })
        .await;
        assert!(world.is_public(&sold).await, "whoever bought it still finds it");
    });
}
