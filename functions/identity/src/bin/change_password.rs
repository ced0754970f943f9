//! The Lambda function `change_password`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::change_password())
}
