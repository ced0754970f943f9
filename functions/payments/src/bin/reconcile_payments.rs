//! The Lambda function `reconcile_payments`.

fn main() {
    api::work(payments::reconcile_payments::worker())
}
