//! The Lambda function `get_jwks`. Written by `make generate`.

fn main() {
    api::serve(operations::endpoint::get_jwks())
}
