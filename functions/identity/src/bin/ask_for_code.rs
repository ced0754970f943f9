//! The Lambda function `ask_for_code`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::ask_for_code())
}
