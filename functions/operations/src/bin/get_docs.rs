fn main() {
    api::serve(operations::get_docs::endpoint())
}
