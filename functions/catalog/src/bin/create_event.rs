//! The Lambda function `create_event`. Written by `make generate`.

fn main() {
    api::serve(catalog::endpoint::create_event())
}
