//! The Lambda function `cancel_payment`.

fn main() {
    api::serve(payments::cancel_payment::endpoint())
}
