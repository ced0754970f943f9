//! The Lambda function `revoke_door_key`. Written by `make generate`.

fn main() {
    api::serve(tickets::endpoint::revoke_door_key())
}
