//! The Lambda function `delete_event`. Written by `make generate`.

fn main() {
    api::serve(catalog::endpoint::delete_event())
}
