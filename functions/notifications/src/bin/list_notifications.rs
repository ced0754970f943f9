//! The Lambda function `list_notifications`. Written by `make generate`.

fn main() {
    api::serve(notifications::endpoint::list_notifications())
}
