//! The Lambda function `leave_waiting_list`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::leave_waiting_list())
}
