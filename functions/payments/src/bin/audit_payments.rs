//! The Lambda function `audit_payments`. Written by `make generate`.

fn main() {
    api::work(payments::audit_payments::worker())
}
