//! The Lambda function `get_event_refunds`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::get_event_refunds())
}
