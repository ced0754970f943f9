//! The Lambda function `create_queue_ticket`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::create_queue_ticket())
}
