//! The Lambda function `claim_coupon_by_code`. Written by `make generate`.

fn main() {
    api::serve(coupons::endpoint::claim_coupon_by_code())
}
