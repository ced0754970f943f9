//! The Lambda function `relay_sales`.

fn main() {
    api::work(payments::relay_sales::worker())
}
