//! The Lambda function `manage_coupons`. Written by `make generate`.

fn main() {
    api::work(coupons::manage_coupons::worker())
}
