//! The Lambda function `list_my_tickets`.

fn main() {
    api::serve(tickets::list_my_tickets::endpoint())
}
