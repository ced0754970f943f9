//! The Lambda function `get_ticket`. Written by `make generate`.

fn main() {
    api::serve(tickets::endpoint::get_ticket())
}
