//! The Lambda function `create_payment`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::create_payment())
}
