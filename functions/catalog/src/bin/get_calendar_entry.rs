//! The Lambda function `get_calendar_entry`. Written by `make generate`.

fn main() {
    api::serve(catalog::endpoint::get_calendar_entry())
}
