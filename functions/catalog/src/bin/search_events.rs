//! The Lambda function `search_events`. Written by `make generate`.

fn main() {
    api::serve(catalog::search_events::endpoint())
}
