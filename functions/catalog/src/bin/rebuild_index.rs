//! Makes the search anew from the table.
fn main() {
    api::work(catalog::rebuild_index::worker())
}
