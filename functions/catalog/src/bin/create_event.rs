//! Serves `POST /v1/events`.
fn main() {
    api::serve(catalog::create_event::endpoint())
}
