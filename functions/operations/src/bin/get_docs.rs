//! The Lambda function `get_docs`. Written by `make generate`.

fn main() {
    api::serve(operations::endpoint::get_docs())
}
