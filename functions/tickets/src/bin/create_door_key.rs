//! The Lambda function `create_door_key`. Written by `make generate`.

fn main() {
    api::serve(tickets::endpoint::create_door_key())
}
