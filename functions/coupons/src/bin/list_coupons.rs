//! The Lambda function `list_coupons`. Written by `make generate`.

fn main() {
    api::serve(coupons::endpoint::list_coupons())
}
