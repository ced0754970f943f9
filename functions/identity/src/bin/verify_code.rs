//! The Lambda function `verify_code`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::verify_code())
}
