//! What members are handed of their own, through the deployed stack: at once, or by a link to a file that a worker wrote.

use std::{collections::BTreeSet, time::Duration};

use domain::{event::Content, id::MemberId, member::Role, time::Time, who::Claims};
use identity::own_data::Wanted;
use reqwest::{Client, Method, header};
use serde_json::{Map, Value, json};
use store::{
    Transaction, Write,
    catalog::{
        event::{Event, EventKey},
        of_artist::OfArtist,
    },
    ephemeral::export::{ExportItem, ExportKey},
    personal::Section,
};
use tests::{gateway, kills::Point};
use tokio::sync::OnceCell;

use crate::{
    killed::{again, bucket, killed, message, signed, store, token},
    shop::variable,
    world::{Member, World, eventually},
};

/// The ids in a list.
fn ids(list: &Value) -> BTreeSet<&str> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// Every section of a member's, as the database has it.
async fn all_of(member: &Member) -> Value {
    let member: MemberId = member.id.parse().unwrap();
    let mut all = Map::new();
    for section in Section::ALL {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let page = store().handed(member, section, start).await.unwrap();
            items.extend(page.items);
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        let value = if section == Section::Account { items.remove(0) } else { items.into() };
        all.insert(section.name().into(), value);
    }
    all.into()
}

/// The names of all fields in it, however deep.
fn names(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(names).collect(),
        Value::Object(fields) => {
            let deeper = fields.values().flat_map(names);
            fields.keys().cloned().chain(deeper).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// That nothing in it opens anything, or is how we store it.
fn assert_harmless(all: &Value) {
    for name in names(all) {
        let lower = name.to_lowercase();
        let inner = [
            "pk",
            "sk",
            "writeid",
            "expiresat",
            "memberkey",
            "membersort",
            "eventkey",
            "duekey",
            "dueat",
        ];
        assert!(!inner.contains(&&*lower), "{name}");
        let secret = ["hash", "token", "salt", "password", "secret"];
        assert!(!secret.iter().any(|it| lower.contains(it)), "{name}");
    }
}

#[test]
fn a_member_is_handed_all_that_they_did_and_nothing_that_opens_anything_or_is_anybody_elses() {
    stack::run(async {
        let world = World::new().await;
        let (fan, artist) = (&world.fan, &world.artist);
        let (full, _) = world.full_house(&world.guest, fan).await;
        let follow = format!("/v1/artists/{}/follow", artist.id);
        world.done(world.request(Method::PUT, &follow).bearer_auth(&fan.token)).await;
        let back = world.at_kakaopay(&world.payment, "approve").await;
        world.done(world.request(Method::GET, &back)).await;
        let event = world.publish(world.event_body()).await;
        eventually("the fan hears of it", 90, async || {
            let inbox = world.get("/v1/notifications", fan).await;
            inbox["items"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["event"]["id"] == *event)
                .then_some(())
        })
        .await;

        let asked = world.request(Method::GET, "/v1/me/export").bearer_auth(&fan.token);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        let disposition = answer.headers()[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert_eq!(disposition, "attachment; filename=\"spotlight-space.json\"");
        let text = answer.text().await.unwrap();
        let all: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(all, all_of(fan).await);
        assert_eq!(all["account"]["email"], fan.email);
        assert_eq!(all["following"][0]["artist"]["id"], artist.id);
        for (section, path) in [
            ("sessions", "/v1/me/sessions"),
            ("notifications", "/v1/notifications"),
            ("payments", "/v1/me/payments"),
            ("tickets", "/v1/me/tickets"),
        ] {
            let list = &world.get(path, fan).await["items"];
            assert_eq!(ids(&all[section]), ids(list), "{section}");
            assert!(!ids(list).is_empty(), "{section}");
        }
        assert!(all["transfers"][0]["amount"].as_u64().unwrap() > 0, "{}", all["transfers"]);
        assert_eq!(all["waiting"][0]["event"]["id"], *full);
        assert_eq!(all["events"], json!([]));
        assert_harmless(&all);
        let cookie = fan.cookie.split(['=', '.']).next_back().unwrap();
        for secret in [cookie, &fan.token, &artist.email, &world.stranger.id, &world.stranger.email]
        {
            assert!(!text.contains(secret), "{secret}");
        }

        let own = world.get("/v1/me/export", artist).await;
        let published: BTreeSet<_> = [&*world.event, &*event, &*full].into();
        assert_eq!(ids(&own["events"]), published);
        assert_eq!((&own["payments"], &own["tickets"]), (&json!([]), &json!([])));
        assert!(!own.to_string().contains(&fan.id));
    });
}

/// Makes an artist so large that an answer can't hold it: by ten long events, which are the same ones for all that are made so, and
/// were deleted, so that the search has none of them.
async fn grow(artist_id: MemberId) {
    static EVENTS: OnceCell<Vec<Event>> = OnceCell::const_new();
    let make = async || {
        let (now, mut events) = (Time::now(), Vec::new());
        for _ in 0..10 {
            let content: Content = "👨‍👩‍👧‍👦".repeat(5_000).parse().unwrap();
            let event = Event { content, deleted_at: Some(now), ..stack::event(50, now) };
            store().write(Write::create(&EventKey(event.id), &event), ()).await.unwrap();
            events.push(event);
        }
        events
    };
    let events = EVENTS.get_or_init(make).await.iter();
    let own = events.map(|event| OfArtist::of(&Event { artist_id, ..event.clone() }).create());
    store().transact(own.fold(Transaction::<()>::new(), Transaction::also)).await.unwrap();
}

#[test]
fn what_is_too_large_for_an_answer_is_fetched_by_a_link_that_needs_no_token_and_holds_the_same() {
    stack::run(async {
        let world = World::new().await;
        let artist = &world.artist;
        grow(artist.id.parse().unwrap()).await;
        let ask = async || {
            let asked = world.request(Method::GET, "/v1/me/export").bearer_auth(&artist.token);
            let answer = asked.send().await.unwrap();
            assert_eq!(answer.status(), 202);
            answer.json::<Value>().await.unwrap()
        };
        let preparing = json!({ "status": "PREPARING", "url": null, "urlEndsAt": null });
        assert_eq!(ask().await, preparing);
        let ready = eventually("the export is ready", 90, async || {
            Some(ask().await).filter(|told| told["status"] == "READY")
        })
        .await;
        let url = ready["url"].as_str().unwrap();
        assert!(url.contains("X-Amz-Expires=900"), "{url}");
        // Whoever follows a link does so by the right of the function that signed it. All functions here have one key, so the
        // recorder is told which.
        let signer = format!("app/{}-export_me", variable("STAGE"));
        let client = Client::builder().no_proxy().user_agent(signer).build().unwrap();
        let answer = client.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
        let all: Value = answer.json().await.unwrap();
        assert_eq!(all, all_of(artist).await);
        assert_eq!(all["events"].as_array().unwrap().len(), 11);
        assert_harmless(&all);
        let another = url.replace(&artist.id, &world.fan.id);
        assert_eq!(client.get(another).send().await.unwrap().status(), 403);
        // For a day it is this one.
        let file =
            |told: &Value| told["url"].as_str().unwrap().split('?').next().unwrap().to_owned();
        assert_eq!(file(&ask().await), file(&ready));
    });
}

/// What is handed over is in its file, and that is noted.
async fn assert_ready(member_id: MemberId, point: Option<&Point>) {
    let export = store().get(&ExportKey(member_id)).await.unwrap().unwrap();
    assert!(export.ready_at.is_some(), "after {point:?}");
    let file = Wanted { member_id, export_id: export.id }.file();
    let content = bucket().await.read(&file).await.unwrap_or_default();
    let content: Value = serde_json::from_str(&content).unwrap_or_default();
    assert_eq!(content["account"]["id"], member_id.to_string(), "after {point:?}");
}

#[test]
fn an_export_whose_writing_dies_is_written_by_whoever_is_given_it_next() {
    stack::run(async {
        let _world = World::new().await;
        let prepare = async || {
            let member_id = stack::sign_in(&store(), Role::User, Time::now()).await.member_id;
            let export = ExportItem::begun(Time::now());
            store().begin_export(member_id, None, export).await.unwrap();
            Wanted { member_id, export_id: export.id }
        };
        let event = |wanted: &Wanted| message(&json!(wanted));
        let comes_again = async |wanted: &Wanted| again("write_export", &event(wanted)).await;
        let check = async |wanted: &Wanted, point: Option<&Point>| {
            assert_ready(wanted.member_id, point).await;
        };
        let calls = killed("write_export", &event, prepare, comes_again, check).await;
        assert_eq!(calls, "BatchGetItem Query BatchGetItem PUT UpdateItem");
    });
}

#[test]
fn an_export_that_dies_while_it_is_asked_for_is_another_when_it_is_asked_for_later() {
    stack::run(async {
        let _world = World::new().await;
        let prepare = async || {
            let claims = stack::sign_in(&store(), Role::Artist, Time::now()).await;
            grow(claims.member_id).await;
            claims
        };
        let event = |claims: &Claims| {
            let token = token(claims, Time::now());
            let headers = json!({ "accept": "application/json" });
            signed(gateway::request("GET", "/v1/me/export", headers), &token)
        };
        let asks_later = async |claims: &Claims| {
            let key = ExportKey(claims.member_id);
            let before = store().get(&key).await.unwrap();
            if before.is_some() {
                let long_ago = Time::now().minus(Duration::from_mins(6)).millis();
                let aged = Write::update(&key).set("begunAt", long_ago);
                store().write(aged, ()).await.unwrap();
            }
            again("export_me", &event(claims)).await;
            let export = store().get(&key).await.unwrap().unwrap();
            assert_ne!(before.map(|it| it.id), Some(export.id));
            let wanted = Wanted { member_id: claims.member_id, export_id: export.id };
            again("write_export", &message(&json!(wanted))).await;
        };
        let check = async |claims: &Claims, point: Option<&Point>| {
            assert_ready(claims.member_id, point).await;
        };
        let calls = killed("export_me", &event, prepare, asks_later, check).await;
        let gathered = "BatchGetItem UpdateItem BatchGetItem Query BatchGetItem";
        assert_eq!(calls, format!("{gathered} PutItem SendMessage"));
    });
}
