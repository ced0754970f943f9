//! The Lambda function `reconcile_payments`. Written by `make generate`.

fn main() {
    api::work(payments::reconcile_payments::worker())
}
