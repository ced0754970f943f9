//! The Lambda function `get_payment`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::get_payment())
}
