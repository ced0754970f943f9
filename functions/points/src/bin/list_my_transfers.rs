//! The Lambda function `list_my_transfers`. Written by `make generate`.

fn main() {
    api::serve(points::endpoint::list_my_transfers())
}
