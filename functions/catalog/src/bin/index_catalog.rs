//! Feeds the search from the catalog's stream.
fn main() {
    api::work(catalog::index_catalog::worker())
}
