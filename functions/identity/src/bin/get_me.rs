//! Serves `GET /v1/me`.
fn main() {
    api::serve(identity::get_me::endpoint())
}
