use reqwest::Method;
use serde_json::{Value, json};

use super::Rows;
use crate::world::{Member, World};

pub fn rows(world: &World, route: &str) -> Option<Rows> {
    let rows = Rows::default();
    Some(match route {
        "create_payment" => {
            // The fan holds one already.
            let four = json!({ "purpose": "TICKETS", "eventId": world.event, "quantity": 4 });
            let order = |more: Value| {
                let mut order =
                    json!({ "purpose": "TICKETS", "eventId": world.event, "quantity": 1 });
                order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                world.post("/v1/payments", &world.fan).json(&order)
            };
            let sponsors = |artist: &str| {
                let body = json!({ "purpose": "SPONSORSHIP", "artistId": artist, "amount": 1_000 });
                world.post("/v1/payments", &world.fan).json(&body)
            };
            rows.takes(json!({ "purpose": "TICKETS", "eventId": world.event, "quantity": 2 }))
                .refuses(world.post("/v1/payments", &world.fan).json(&four), 400, "TICKET_LIMIT")
                .refuses(sponsors(&world.fan.id), 400, "SPONSORS_ONESELF")
                .refuses(sponsors("mem_01KB4ZXJ3V8Q5W7N2M6T9RHCDE"), 404, "ARTIST_NOT_FOUND")
                .finds(order(json!({ "amount": 1_000 })), "body", "/amount", "UNKNOWN_FIELD")
                .refuses(
                    order(json!({ "claimId": "clm_01KB4ZXJ3V8Q5W7N2M6T9RHCDE" })),
                    400,
                    "COUPON_NOT_USABLE",
                )
                .refuses(
                    order(json!({ "offerId": "ofr_01KB4ZXJ3V8Q5W7N2M6T9RHCDE" })),
                    400,
                    "OFFER_OVER",
                )
                .refuses(order(json!({ "points": 1_000 })), 400, "NOT_ENOUGH_POINTS")
                .refuses(order(json!({ "points": 30_001 })), 400, "POINTS_EXCEED_PRICE")
        }
        "approve_payment" => {
            let path = format!("/v1/payments/{}/returns/guessed/approve", world.payment);
            let blank = world.request(Method::GET, &path).query(&[("pg_token", " ")]);
            rows.finds(blank, "query", "pg_token", "FORMAT")
        }
        "refund_payment" => {
            // It is not paid yet.
            let path = format!("/v1/payments/{}/refunds", world.payment);
            let asked = |tickets: &[&str]| {
                let body = json!({ "ticketIds": tickets, "total": 0 });
                world.post(&path, &world.fan).json(&body)
            };
            let [one, other] = ["tkt_01KB4ZXJ3V8Q5W7N2M6T9RHCDE", "tkt_01KB4ZXJ3V8Q5W7N2M6T9RHCDF"];
            rows.finds(asked(&[]), "body", "/ticketIds", "LENGTH")
                .finds(asked(&[one, other, one, other, one]), "body", "/ticketIds", "LENGTH")
                .refuses(asked(&[one]), 409, "NOT_REFUNDABLE")
        }
        "get_refund_quote" => {
            let path = format!("/v1/payments/{}/refund-quote", world.payment);
            let unpaid = world.request(Method::GET, &path).bearer_auth(&world.fan.token);
            rows.refuses(unpaid, 409, "NOT_REFUNDABLE")
        }
        "get_event_refunds" => {
            let path = format!("/v1/events/{}/refunds", world.event);
            let fans = world.request(Method::GET, &path).bearer_auth(&world.fan.token);
            rows.refuses(fans, 404, "EVENT_NOT_FOUND")
        }
        "join_waiting_list" => {
            // There are seats, and the fan has one.
            let path = format!("/v1/events/{}/waiting-list", world.event);
            let joining = |quantity: i64| {
                let joining = world.request(Method::PUT, &path).bearer_auth(&world.fan.token);
                joining.json(&json!({ "quantity": quantity }))
            };
            rows.refuses(joining(1), 400, "SEATS_LEFT")
                .refuses(joining(4), 400, "TICKET_LIMIT")
                .finds(joining(5), "body", "/quantity", "RANGE")
        }
        "get_waiting_list" => {
            let path = format!("/v1/events/{}/waiting-list", world.event);
            let waits = world.request(Method::GET, &path).bearer_auth(&world.fan.token);
            rows.refuses(waits, 404, "NOT_WAITING")
        }
        "leave_waiting_list" => {
            let path = format!("/v1/events/{}/waiting-list", world.event);
            let leaves = world.request(Method::DELETE, &path).bearer_auth(&world.fan.token);
            rows.refuses(leaves, 404, "NOT_WAITING")
        }
        "open_queue" => {
            let path = format!("/v1/events/{}/queue", world.event);
            let opening = |by: &Member, pace: i64| {
                let opening = world.request(Method::PUT, &path).bearer_auth(&by.token);
                opening.json(&json!({ "admissionsPerMinute": pace }))
            };
            rows.refuses(opening(&world.fan, 60), 404, "EVENT_NOT_FOUND")
                .finds(opening(&world.artist, 9), "body", "/admissionsPerMinute", "RANGE")
                .finds(opening(&world.artist, 6_001), "body", "/admissionsPerMinute", "RANGE")
        }
        "close_queue" => {
            let path = format!("/v1/events/{}/queue", world.event);
            let closing = |by: &Member| world.request(Method::DELETE, &path).bearer_auth(&by.token);
            rows.refuses(closing(&world.fan), 404, "EVENT_NOT_FOUND").refuses(
                closing(&world.artist),
                400,
                "NO_QUEUE",
            )
        }
        "create_queue_ticket" => {
            let path = format!("/v1/events/{}/queue-tickets", world.event);
            rows.refuses(world.post(&path, &world.fan), 400, "NO_QUEUE")
        }
        "get_queue_ticket" => {
            let path = format!("/v1/events/{}/queue-tickets/x", world.event);
            let asks = world.request(Method::GET, &path);
            rows.refuses(asks, 404, "EVENT_NOT_FOUND")
        }
        "get_payment"
        | "list_my_payments"
        | "list_my_sponsorships"
        | "cancel_payment"
        | "fail_payment"
        | "call_off_payment"
        | "give_up_payment" => rows,
        _ => return None,
    })
}
