//! Serves `GET /v1/events/{eventId}`.
fn main() {
    api::serve(catalog::get_event::endpoint())
}
