//! The Lambda function `search_events`. Written by `make generate`.

fn main() {
    api::serve(catalog::endpoint::search_events())
}
