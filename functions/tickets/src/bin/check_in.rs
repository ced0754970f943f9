//! The Lambda function `check_in`. Written by `make generate`.

fn main() {
    api::serve(tickets::endpoint::check_in())
}
