//! The Lambda function `approve_payment`.

fn main() {
    api::serve(payments::approve_payment::endpoint())
}
