//! The Lambda function `index_catalog`. Written by `make generate`.

fn main() {
    api::work(catalog::index_catalog::worker())
}
