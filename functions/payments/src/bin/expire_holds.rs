//! The Lambda function `expire_holds`. Written by `make generate`.

fn main() {
    api::work(payments::expire_holds::worker())
}
