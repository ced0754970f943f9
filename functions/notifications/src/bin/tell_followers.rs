//! The Lambda function `tell_followers`. Written by `make generate`.

fn main() {
    api::work(notifications::tell_followers::worker())
}
