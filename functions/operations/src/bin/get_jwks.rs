//! The Lambda function `get_jwks`. Written by `make generate`.

fn main() {
    api::serve(operations::get_jwks::endpoint())
}
