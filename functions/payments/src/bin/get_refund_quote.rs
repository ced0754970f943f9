//! The Lambda function `get_refund_quote`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::get_refund_quote())
}
