//! Serves `POST /v1/auth/refresh`.
fn main() {
    api::serve(identity::refresh::endpoint())
}
