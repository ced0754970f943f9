//! The Lambda function `cancel_payment`. Written by `make generate`.

fn main() {
    api::serve(payments::cancel_payment::endpoint())
}
