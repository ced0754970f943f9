//! The Lambda function `refresh`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::refresh())
}
