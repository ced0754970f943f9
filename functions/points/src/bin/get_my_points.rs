//! The Lambda function `get_my_points`. Written by `make generate`.

fn main() {
    api::serve(points::endpoint::get_my_points())
}
