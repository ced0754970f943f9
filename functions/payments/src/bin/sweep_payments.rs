//! The Lambda function `sweep_payments`. Written by `make generate`.

fn main() {
    api::work(payments::sweep_payments::worker())
}
