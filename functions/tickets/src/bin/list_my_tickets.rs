//! The Lambda function `list_my_tickets`. Written by `make generate`.

fn main() {
    api::serve(tickets::list_my_tickets::endpoint())
}
