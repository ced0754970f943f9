//! The Lambda function `get_artist`. Written by `make generate`.

fn main() {
    api::serve(artists::endpoint::get_artist())
}
