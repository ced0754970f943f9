//! The Lambda function `rebuild_index`. Written by `make generate`.

fn main() {
    api::work(catalog::rebuild_index::worker())
}
