//! The Lambda function `claim_coupon`. Written by `make generate`.

fn main() {
    api::serve(coupons::endpoint::claim_coupon())
}
