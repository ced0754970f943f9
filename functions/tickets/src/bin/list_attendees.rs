//! The Lambda function `list_attendees`. Written by `make generate`.

fn main() {
    api::serve(tickets::endpoint::list_attendees())
}
