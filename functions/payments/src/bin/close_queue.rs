//! The Lambda function `close_queue`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::close_queue())
}
