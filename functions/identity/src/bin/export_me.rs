//! The Lambda function `export_me`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::export_me())
}
