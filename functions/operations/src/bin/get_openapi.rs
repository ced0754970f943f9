//! The Lambda function `get_openapi`. Written by `make generate`.

fn main() {
    api::serve(operations::endpoint::get_openapi())
}
