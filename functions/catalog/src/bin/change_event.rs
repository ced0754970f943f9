//! The Lambda function `change_event`. Written by `make generate`.

fn main() {
    api::serve(catalog::endpoint::change_event())
}
