//! The Lambda function `get_queue_ticket`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::get_queue_ticket())
}
