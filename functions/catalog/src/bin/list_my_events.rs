//! The Lambda function `list_my_events`. Written by `make generate`.

fn main() {
    api::serve(catalog::endpoint::list_my_events())
}
