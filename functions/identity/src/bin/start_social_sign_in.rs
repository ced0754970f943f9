//! The Lambda function `start_social_sign_in`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::start_social_sign_in())
}
