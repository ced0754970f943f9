use reqwest::RequestBuilder;
use serde_json::json;

use super::Rows;
use crate::world::World;

pub fn rows(world: &World, route: &str) -> Option<Rows> {
    let rows = Rows::default();
    let by_code = |code: &str| -> RequestBuilder {
        world.post("/v1/coupons/claims", &world.stranger).json(&json!({ "code": code }))
    };
    Some(match route {
        "claim_coupon_by_code" => rows
            .takes(json!({ "code": world.coupon_by_code.code }))
            .refuses(by_code("ZZZZ-ZZZZ-ZZZZ"), 404, "COUPON_NOT_FOUND")
            .finds(by_code("ZZZZ-ZZZZ-ZZZ"), "body", "/code", "FORMAT")
            .finds(by_code("ZZZZ-ZZZZ-ZZZ!"), "body", "/code", "FORMAT"),
        "claim_coupon" | "list_coupons" | "list_my_coupons" => rows,
        _ => return None,
    })
}
