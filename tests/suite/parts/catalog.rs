use super::Rows;
use crate::world::World;

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
            rows.takes(good)
                .finds(post(), "body", "/endsAt", "AFTER")
                .finds(post(), "body", "/saleEndsAt", "AFTER")
                .finds(unpayable, "body", "/price", "RANGE")
        }
        "get_event" | "search_events" => rows,
        _ => return None,
    })
}
