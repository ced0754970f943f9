//! The Lambda function `block_addresses`. Written by `make generate`.

fn main() {
    api::work(mail::block_addresses::worker())
}
