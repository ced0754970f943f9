//! The Lambda function `tell_sales`. Written by `make generate`.

fn main() {
    api::work(notifications::tell_sales::worker())
}
