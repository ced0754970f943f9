//! The Lambda function `get_event`. Written by `make generate`.

fn main() {
    api::serve(catalog::endpoint::get_event())
}
