use reqwest::Method;
use serde_json::json;

use super::Rows;
use crate::world::World;

pub fn rows(world: &World, route: &str) -> Option<Rows> {
    let rows = Rows::default();
    Some(match route {
        "create_payment" => {
            // The fan holds one already.
            let four = json!({ "purpose": "TICKETS", "eventId": world.event, "quantity": 4 });
            rows.refuses(world.post("/v1/payments", &world.fan).json(&four), 400, "TICKET_LIMIT")
        }
        "approve_payment" => {
            let path = format!("/v1/payments/{}/returns/guessed/approve", world.payment);
            let blank = world.request(Method::GET, &path).query(&[("pg_token", " ")]);
            rows.finds(blank, "query", "pg_token", "FORMAT")
        }
        "get_payment" | "list_my_payments" | "cancel_payment" | "fail_payment"
        | "call_off_payment" | "give_up_payment" => rows,
        _ => return None,
    })
}
