//! The Lambda function `unlink_identity`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::unlink_identity())
}
