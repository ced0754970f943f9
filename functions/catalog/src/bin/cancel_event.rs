//! The Lambda function `cancel_event`. Written by `make generate`.

fn main() {
    api::work(catalog::cancel_event::worker())
}
