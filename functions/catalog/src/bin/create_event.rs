fn main() {
    api::serve(catalog::create_event::endpoint())
}
