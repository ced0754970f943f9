//! The Lambda function `expire_holds`.

fn main() {
    api::work(payments::expire_holds::worker())
}
