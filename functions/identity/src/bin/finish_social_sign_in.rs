//! The Lambda function `finish_social_sign_in`. Written by `make generate`.

fn main() {
    api::serve(identity::endpoint::finish_social_sign_in())
}
