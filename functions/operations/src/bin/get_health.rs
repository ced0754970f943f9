fn main() {
    api::serve(operations::get_health::endpoint())
}
