//! The Lambda function `list_my_sponsorships`. Written by `make generate`.

fn main() {
    api::serve(payments::endpoint::list_my_sponsorships())
}
