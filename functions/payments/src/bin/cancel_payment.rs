//! The Lambda function `cancel_payment`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::cancel_payment())
}
