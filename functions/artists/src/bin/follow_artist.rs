//! The Lambda function `follow_artist`. Written by `make generate`.

fn main() {
    api::serve(artists::endpoint::follow_artist())
}
