//! The Lambda function `sign_up`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::sign_up())
}
