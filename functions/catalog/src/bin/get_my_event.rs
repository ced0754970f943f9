//! The Lambda function `get_my_event`. Written by `make generate`.

fn main() {
    api::serve(catalog::endpoint::get_my_event())
}
