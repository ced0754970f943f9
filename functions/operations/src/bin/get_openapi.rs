//! The Lambda function `get_openapi`.

fn main() {
    api::serve(operations::get_openapi::endpoint())
}
