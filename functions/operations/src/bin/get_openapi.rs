fn main() {
    api::serve(operations::get_openapi::endpoint())
}
