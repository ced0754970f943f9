//! The Lambda function `sign_out`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::sign_out())
}
