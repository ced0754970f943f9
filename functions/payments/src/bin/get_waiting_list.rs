//! The Lambda function `get_waiting_list`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::get_waiting_list())
}
