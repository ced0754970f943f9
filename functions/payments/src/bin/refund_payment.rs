//! The Lambda function `refund_payment`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::refund_payment())
}
