//! The Lambda function `get_jwks`.

fn main() {
    api::serve(operations::get_jwks::endpoint())
}
