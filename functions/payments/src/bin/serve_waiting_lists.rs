//! The Lambda function `serve_waiting_lists`. Written by `make generate`.

fn main() {
    api::work(payments::serve_waiting_lists::worker())
}
