//! The Lambda function `fail_payment`.

fn main() {
    api::serve(payments::fail_payment::endpoint())
}
