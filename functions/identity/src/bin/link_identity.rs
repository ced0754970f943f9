//! The Lambda function `link_identity`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::link_identity())
}
