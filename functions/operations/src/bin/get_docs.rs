//! The Lambda function `get_docs`.

fn main() {
    api::serve(operations::get_docs::endpoint())
}
