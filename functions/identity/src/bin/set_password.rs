//! The Lambda function `set_password`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::set_password())
}
