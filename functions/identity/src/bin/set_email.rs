//! The Lambda function `set_email`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::set_email())
}
