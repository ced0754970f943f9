//! The Lambda function `list_my_following`. Written by `make generate`.

fn main() {
    api::serve(artists::endpoint::list_my_following())
}
