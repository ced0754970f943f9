//! The Lambda function `get_docs`. Written by `make generate`.

fn main() {
    api::serve(operations::get_docs::endpoint())
}
