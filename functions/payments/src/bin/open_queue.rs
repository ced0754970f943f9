//! The Lambda function `open_queue`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::open_queue())
}
