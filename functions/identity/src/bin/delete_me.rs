//! The Lambda function `delete_me`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::delete_me())
}
