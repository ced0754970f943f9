//! Tickets that go back, over HTTP.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::world::{Member, World};

/// A fan's paid payment of two tickets at 30,000 won, and its path.
async fn paid(world: &World) -> (Value, String) {
    let held = world.buy(&world.fan, &world.event, 2).await;
    let id = held["id"].as_str().unwrap();
    let back = world.at_kakaopay(id, "approve").await;
    let paid = world.done(world.request(Method::GET, &back)).await;
    assert_eq!(paid["state"], "APPROVED");
    (paid, format!("/v1/payments/{id}"))
}

fn giving_back(world: &World, path: &str, by: &Member, key: &str, body: &Value) -> RequestBuilder {
    let request = world.request(Method::POST, &format!("{path}/refunds")).bearer_auth(&by.token);
    request.header("Idempotency-Key", key).json(body)
}

#[test]
fn a_ticket_goes_back_as_it_was_told_and_once_for_one_key() {
    stack::run(async {
        let world = World::new().await;
        let (paid, path) = paid(&world).await;
        let quote = world.get(&format!("{path}/refund-quote"), &world.fan).await;
        assert_eq!((&quote["percent"], &quote["rule"]), (&json!(100), &json!("SECOND_THOUGHTS")));
        assert_eq!(
            (&quote["all"]["total"], &quote["all"]["earnedTakenBack"]),
            (&json!(60_000), &json!(300))
        );
        let ticket = &paid["ticketIds"][1];
        let told = quote["tickets"].as_array().unwrap().iter().find(|it| it["ticketId"] == *ticket);
        let total = &told.unwrap()["total"];

        let wrong = json!({ "ticketIds": [ticket], "total": 29_999 });
        let wrong =
            giving_back(&world, &path, &world.fan, &world.fresh(), &wrong).send().await.unwrap();
        assert_eq!(wrong.status().as_u16(), 409);
        let wrong: Value = wrong.json().await.unwrap();
        assert_eq!((&wrong["code"], &wrong["quote"]["total"]), (&json!("QUOTE_CHANGED"), total));

        let (key, body) = (world.fresh(), json!({ "ticketIds": [ticket], "total": total }));
        let first = world.done(giving_back(&world, &path, &world.fan, &key, &body)).await;
        assert_eq!((&first["state"], &first["cash"]), (&json!("DONE"), &json!(30_000)));
        assert_eq!(world.done(giving_back(&world, &path, &world.fan, &key, &body)).await, first);
        let other = json!({ "ticketIds": [ticket], "total": 1 });
        let reused = giving_back(&world, &path, &world.fan, &key, &other);
        assert_eq!(world.refused(reused).await, (422, "IDEMPOTENCY_KEY_REUSED".into()));
        let again = giving_back(&world, &path, &world.fan, &world.fresh(), &body);
        let again: Value = again.send().await.unwrap().json().await.unwrap();
        assert_eq!(
            (&again["code"], &again["errors"][0]["pointer"]),
            (&json!("TICKETS_NOT_LEFT"), &json!("/ticketIds/0"))
        );
        // For everybody else there is no such payment.
        for path in [format!("{path}/refund-quote"), path.clone()] {
            let asked = world.request(Method::GET, &path).bearer_auth(&world.stranger.token);
            assert_eq!(world.refused(asked).await, (404, "PAYMENT_NOT_FOUND".into()));
        }
        let foreign = giving_back(&world, &path, &world.stranger, &world.fresh(), &body);
        assert_eq!(world.refused(foreign).await, (404, "PAYMENT_NOT_FOUND".into()));

        let seen = world.get(&path, &world.fan).await;
        assert_eq!(
            (&seen["state"], &seen["refunds"]),
            (&json!("PARTIALLY_REFUNDED"), &json!([first]))
        );
        let books = format!("/_sim/payments?id={}", paid["id"].as_str().unwrap());
        assert_eq!(world.done(world.kakaopay(Method::GET, &books)).await["net_amount"], 30_000);
        let points = world.get("/v1/me/points", &world.fan).await;
        assert_eq!(points, json!({ "balance": 150, "bought": 0, "debt": 0 }));
        let tickets = world.get("/v1/me/tickets", &world.fan).await;
        let back = tickets["items"].as_array().unwrap().iter().find(|it| it["id"] == *ticket);
        assert_eq!(back.unwrap()["state"], "REFUNDED");
        // The other of the two, and the fan's own hold.
        world.has_seats_left(&world.event, 48, 5).await;
    });
}
