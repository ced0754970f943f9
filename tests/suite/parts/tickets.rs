use domain::time::Time;
use reqwest::Method;
use serde_json::json;

use super::Rows;
use crate::world::World;

pub fn rows(world: &World, route: &str) -> Option<Rows> {
    let rows = Rows::default();
    Some(match route {
        "check_in" => {
            let path = format!("/v1/events/{}/check-ins", world.event);
            let scan = json!({ "payload": "none", "scannedAt": Time::now(), "device": "정문" });
            let sent = |body| world.post(&path, &world.artist).json(&body);
            let mut both = scan.clone();
            both["scans"] = json!([scan]);
            let unnamed =
                json!({ "scans": [{ "payload": "none", "scannedAt": Time::now(), "device": "" }] });
            rows.takes(scan.clone())
                .refuses(sent(scan), 400, "TICKET_FORGED")
                .finds(sent(json!({})), "body", "/device", "MISSING")
                .finds(sent(both), "body", "/payload", "UNKNOWN_FIELD")
                .finds(sent(json!({ "scans": [] })), "body", "/scans", "LENGTH")
                .finds(sent(unnamed), "body", "/scans/0/device", "LENGTH")
        }
        "list_attendees" => {
            let path = format!("/v1/events/{}/attendees", world.event);
            let long = world.request(Method::GET, &path).bearer_auth(&world.artist.token);
            rows.finds(long.query(&[("q", "가".repeat(51))]), "query", "q", "LENGTH")
        }
        "create_door_key" | "get_ticket" | "list_door_keys" | "list_my_tickets" | "list_sales"
        | "revoke_door_key" => rows,
        _ => return None,
    })
}
