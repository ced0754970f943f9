//! The Lambda function `relay_catalog`. Written by `make generate`.

fn main() {
    api::work(catalog::relay_catalog::worker())
}
