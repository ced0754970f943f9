//! Serves `GET /v1/events`.
fn main() {
    api::serve(catalog::search_events::endpoint())
}
