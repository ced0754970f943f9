//! The Lambda function `tell_buyers`. Written by `make generate`.

fn main() {
    api::work(notifications::tell_buyers::worker())
}
