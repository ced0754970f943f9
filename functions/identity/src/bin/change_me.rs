//! The Lambda function `change_me`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::change_me())
}
