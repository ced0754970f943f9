//! The Lambda function `list_my_coupons`. Written by `make generate`.

fn main() {
    api::serve(coupons::endpoint::list_my_coupons())
}
