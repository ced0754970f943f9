//! The Lambda function `list_my_payments`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::list_my_payments())
}
