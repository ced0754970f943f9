//! The Lambda function `sign_in`. Written by `make generate`.

fn main() {
    api::serve(identity::sign_in::endpoint())
}
