//! The Lambda function `refund_buyers`. Written by `make generate`.

fn main() {
    api::work(payments::refund_buyers::worker())
}
