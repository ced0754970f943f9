//! The Lambda function `list_door_keys`. Written by `make generate`.

fn main() {
    api::serve(tickets::endpoint::list_door_keys())
}
