//! The Lambda function `list_my_sessions`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::list_my_sessions())
}
