//! The Lambda function `relay_sales`. Written by `make generate`.

fn main() {
    api::work(payments::relay_sales::worker())
}
