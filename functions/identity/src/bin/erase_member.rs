//! The Lambda function `erase_member`. Written by `make generate`.

fn main() {
    api::work(identity::erase_member::worker())
}
