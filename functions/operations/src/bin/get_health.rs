//! The Lambda function `get_health`.

fn main() {
    api::serve(operations::get_health::endpoint())
}
