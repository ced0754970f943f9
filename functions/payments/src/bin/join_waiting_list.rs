//! The Lambda function `join_waiting_list`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::join_waiting_list())
}
