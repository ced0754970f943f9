//! The Lambda function `list_sales`. Written by `make generate`.

fn main() {
    api::serve(tickets::endpoint::list_sales())
}
