//! The Lambda function `sign_in`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::sign_in())
}
