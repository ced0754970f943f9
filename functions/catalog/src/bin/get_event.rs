fn main() {
    api::serve(catalog::get_event::endpoint())
}
