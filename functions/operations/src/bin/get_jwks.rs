fn main() {
    api::serve(operations::get_jwks::endpoint())
}
