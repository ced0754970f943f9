//! The Lambda function `give_up_payment`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::give_up_payment())
}
