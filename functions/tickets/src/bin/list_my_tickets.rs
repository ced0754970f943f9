//! The Lambda function `list_my_tickets`. Written by `make generate`.

fn main() {
    api::serve(tickets::endpoint::list_my_tickets())
}
