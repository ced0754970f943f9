//! The Lambda function `send_mail`. Written by `make generate`.

fn main() {
    api::work(mail::send_mail::worker())
}
