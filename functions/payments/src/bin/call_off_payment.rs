//! The Lambda function `call_off_payment`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::call_off_payment())
}
