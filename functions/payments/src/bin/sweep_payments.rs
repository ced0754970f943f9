//! The Lambda function `sweep_payments`.

fn main() {
    api::work(payments::sweep_payments::worker())
}
