//! The Lambda function `create_payment`.

fn main() {
    api::serve(payments::create_payment::endpoint())
}
