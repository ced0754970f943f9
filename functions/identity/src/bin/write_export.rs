//! The Lambda function `write_export`. Written by `make generate`.

fn main() {
    api::work(identity::write_export::worker())
}
