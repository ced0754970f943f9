//! The Lambda function `approve_payment`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::approve_payment())
}
