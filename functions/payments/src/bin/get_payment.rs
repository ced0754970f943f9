//! The Lambda function `get_payment`.

fn main() {
    api::serve(payments::get_payment::endpoint())
}
