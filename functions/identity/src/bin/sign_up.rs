//! Serves `POST /v1/auth/sign-up`.
fn main() {
    api::serve(identity::sign_up::endpoint())
}
