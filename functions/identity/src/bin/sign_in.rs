//! Serves `POST /v1/auth/sign-in`.
fn main() {
    api::serve(identity::sign_in::endpoint())
}
