//! The Lambda function `get_me`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::get_me())
}
