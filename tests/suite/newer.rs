//! What a newer release wrote, read by this one: its canary ran beside us, or it was rolled back, and its items are there.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::time::Time;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    workers::invoke_with,
    world::{Member, World, eventually},
};

type Item = HashMap<String, AttributeValue>;

/// Where an item stands: table, partition and sort key.
#[derive(Clone)]
struct Place(&'static str, String, &'static str);

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn table(name: &str) -> String {
    format!("{}-{name}", std::env::var("STAGE").unwrap())
}

impl Place {
    async fn read(&self) -> Item {
        let Self(name, pk, sk) = self;
        let get = stack::dynamo().get_item().table_name(table(name)).consistent_read(true);
        get.key("pk", text(pk)).key("sk", text(sk)).send().await.unwrap().item.expect(pk)
    }

    async fn put(&self, item: &Item) {
        let put = stack::dynamo().put_item().table_name(table(self.0));
        put.set_item(Some(item.clone())).send().await.unwrap();
    }
}

/// The item with a value in an attribute; in the first entry, if it is the history.
fn with(item: &Item, attribute: &str, value: AttributeValue) -> Item {
    let mut item = item.clone();
    match item.get_mut(attribute) {
        Some(AttributeValue::L(entries)) => {
            let AttributeValue::M(entry) = &mut entries[0] else { panic!("{attribute}") };
            entry.insert("step".into(), value);
        }
        _ => drop(item.insert(attribute.into(), value)),
    }
    item
}

/// A record of a stream that tells of a change.
fn record(place: &Place, before: Option<&Item>, after: &Item) -> Value {
    let image = |item: &Item| json!(serde_dynamo::Item::from(item.clone()));
    json!({
        "awsRegion": "ap-northeast-2", "eventID": "1", "eventName": "MODIFY",
        "dynamodb": {
            "Keys": { "pk": { "S": place.1 }, "sk": { "S": place.2 } },
            "OldImage": before.map(image), "NewImage": image(after),
            "SequenceNumber": "1", "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    })
}

/// Everybody who hears of a change or is sent the thing to look at takes it, and its neighbour, without a failure.
async fn nobody_stumbles(place: &Place, before: &Item, after: &Item) {
    let records = json!({ "Records": [
        record(place, Some(before), after), record(place, None, after), record(place, None, before),
    ] });
    let payment = place.1.trim_start_matches("PAY#");
    let message = json!({ "messageId": "1", "body": json!({ "paymentId": payment }).to_string() });
    let message = json!({ "Records": [message] });
    let calls = match place {
        Place("catalog", _, "EVENT") => {
            vec![("relay_catalog", &records), ("index_catalog", &records)]
        }
        Place("sales", _, "PAYMENT") => vec![
            ("relay_sales", &records),
            ("expire_holds", &message),
            ("reconcile_payments", &message),
        ],
        _ => Vec::new(),
    };
    for (worker, event) in calls {
        let done = invoke_with(worker, event.clone()).await;
        assert_eq!(done, json!({ "batchItemFailures": [] }), "{worker}");
    }
}

/// A fan with a ticket, and one with a hold.
struct Stage {
    world: World,
    paid: String,
    ticket: String,
    fan: Member,
}

impl Stage {
    async fn set() -> Self {
        let world = World::new().await;
        let fan = world.sign_up("USER").await;
        let paid = world.buy(&fan, &world.event, 1).await["id"].as_str().unwrap().to_owned();
        let back = world.at_kakaopay(&paid, "approve").await;
        let payment = world.done(world.request(Method::GET, &back)).await;
        let ticket = payment["ticketIds"][0].as_str().unwrap().to_owned();
        Self { world, paid, ticket, fan }
    }

    fn payment(&self, id: &str) -> Place {
        Place("sales", format!("PAY#{id}"), "PAYMENT")
    }

    fn event(&self, sk: &'static str) -> Place {
        Place("catalog", format!("EVT#{}", self.world.event), sk)
    }
}

#[test]
fn a_value_that_only_a_newer_release_knows_is_read_in_every_item_and_shown_as_unknown() {
    stack::run(async {
        let stage = Stage::set().await;
        let Stage { world, paid, ticket, fan } = &stage;
        let id = world.get("/v1/me", fan).await["id"].as_str().unwrap().to_owned();
        let member = Place("identity", format!("MEM#{id}"), "MEMBER");
        let shard = Place("sales", format!("EVT#{}#STOCK#0", world.event), "STOCK");
        let ticket = Place("sales", format!("TKT#{ticket}"), "TICKET");
        let event = format!("/v1/events/{}", world.event);
        let (one, all) = (|id: &str| format!("/v1/payments/{id}"), "/v1/me/payments".to_owned());
        let (me, tickets) = ("/v1/me".to_owned(), "/v1/me/tickets".to_owned());
        let mut rows = vec![
            (member.clone(), "role", fan, vec![(me.clone(), "/role")]),
            (member, "location", fan, vec![(me, "/location")]),
            (stage.event("EVENT"), "category", fan, vec![(event.clone(), "/category")]),
            (stage.event("EVENT"), "state", fan, vec![(event.clone(), "/state")]),
            (stage.event("EVENT"), "refundPolicy", fan, vec![(event, "/refundPolicy")]),
            (ticket, "state", fan, vec![(tickets, "/items/0/state")]),
        ];
        for (id, by) in [(paid, fan), (&world.payment, &world.fan)] {
            for (attribute, alone, listed) in [
                ("purpose", "/purpose", "/items/0/purpose"),
                ("state", "/state", "/items/0/state"),
                ("history", "/history/0/step", "/items/0/history/0/step"),
            ] {
                let shown = vec![(one(id), alone), (all.clone(), listed)];
                rows.push((stage.payment(id), attribute, by, shown));
            }
            rows.push((stage.payment(id), "refundPolicy", by, Vec::new()));
        }
        for (place, attribute, by, shown) in rows {
            let before = place.read().await;
            let after = with(&before, attribute, text("FROM_THE_FUTURE"));
            place.put(&after).await;
            for (path, pointer) in shown {
                let read = world.get(&path, by).await;
                assert_eq!(read.pointer(pointer), Some(&json!("UNKNOWN")), "{path} {read}");
            }
            nobody_stumbles(&place, &before, &after).await;
            assert_eq!(place.read().await, after, "{attribute} of {} was written over", place.1);
            place.put(&before).await;
        }

        for (place, attribute) in [
            (stage.event("SALE"), "state"),
            (stage.event("SALE"), "refundPolicy"),
            (shard, "state"),
        ] {
            let before = place.read().await;
            place.put(&with(&before, attribute, text("FROM_THE_FUTURE"))).await;
            let body = json!({ "purpose": "TICKETS", "eventId": world.event, "quantity": 1 });
            let refused = world.refused(world.post("/v1/payments", &world.stranger).json(&body));
            let (status, code) = refused.await;
            assert!(["SALE_CLOSED", "TERMS_CHANGED"].contains(&code.as_str()), "{status} {code}");
            world.seats_left(&world.event).await;
            place.put(&before).await;
        }
    });
}

#[test]
fn an_item_that_can_not_be_read_is_missed_in_its_list_alone() {
    stack::run(async {
        let stage = Stage::set().await;
        let Stage { world, paid, ticket, fan } = &stage;
        let ticket = Place("sales", format!("TKT#{ticket}"), "TICKET");
        for (place, attribute, list) in [
            (stage.payment(paid), "quantity", "/v1/me/payments"),
            (ticket, "price", "/v1/me/tickets"),
        ] {
            let before = place.read().await;
            let after = with(&before, attribute, text("many"));
            place.put(&after).await;
            assert_eq!(world.get(list, fan).await, json!({ "items": [] }), "{list}");
            let records = json!({ "Records": [record(&place, None, &after)] });
            let done = invoke_with("relay_sales", records).await;
            assert_eq!(done, json!({ "batchItemFailures": [] }));
            place.put(&before).await;
        }
        let event = stage.event("EVENT");
        let after = with(&event.read().await, "price", text("much"));
        let records = json!({ "Records": [record(&event, None, &after)] });
        let done = invoke_with("relay_catalog", records).await;
        assert_eq!(done, json!({ "batchItemFailures": [] }));
    });
}

#[test]
fn an_event_of_a_kind_that_only_a_newer_release_knows_is_found() {
    stack::run(async {
        let world = World::new().await;
        // No other event has it.
        let place = format!("무대 {}", Time::now().millis());
        let mut event = world.event_body();
        event["place"] = json!(place);
        let event = Place("catalog", format!("EVT#{}", world.publish(event).await), "EVENT");
        let before = event.read().await;
        let mut after = with(&before, "category", text("FROM_THE_FUTURE"));
        after.insert("version".into(), AttributeValue::N("2".into()));
        event.put(&after).await;
        let found = eventually("it is found as it is", 30, async || {
            let here = world.request(Method::GET, "/v1/events").query(&[("place", &place)]);
            let found = world.done(here).await["items"][0]["category"].clone();
            (found != json!("MUSIC") && !found.is_null()).then_some(found)
        });
        assert_eq!(found.await, "UNKNOWN");
    });
}
