//! The Lambda function `fail_payment`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::fail_payment())
}
