//! Serves `POST /v1/auth/sign-out`.
fn main() {
    api::serve(identity::sign_out::endpoint())
}
