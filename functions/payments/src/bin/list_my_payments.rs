//! The Lambda function `list_my_payments`.

fn main() {
    api::serve(payments::list_my_payments::endpoint())
}
