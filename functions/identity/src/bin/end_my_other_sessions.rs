//! The Lambda function `end_my_other_sessions`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::end_my_other_sessions())
}
