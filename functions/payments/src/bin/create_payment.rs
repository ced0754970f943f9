//! The Lambda function `create_payment`. Written by `make generate`.

fn main() {
    api::serve(payments::create_payment::endpoint())
}
