//! The Lambda function `sign_up`. Written by `make generate`.

fn main() {
    api::serve(identity::sign_up::endpoint())
}
