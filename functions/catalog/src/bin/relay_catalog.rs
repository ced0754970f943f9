//! Feeds the event bus from the catalog's stream.
fn main() {
    api::work(catalog::relay_catalog::worker())
}
