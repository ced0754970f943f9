//! The Lambda function `get_ticket_keys`. Written by `make generate`.

fn main() {
    api::serve(operations::endpoint::get_ticket_keys())
}
