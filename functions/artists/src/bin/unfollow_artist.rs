//! The Lambda function `unfollow_artist`. Written by `make generate`.

fn main() {
    api::serve(artists::endpoint::unfollow_artist())
}
