//! The Lambda function `get_health`. Written by `make generate`.

fn main() {
    api::serve(operations::endpoint::get_health())
}
