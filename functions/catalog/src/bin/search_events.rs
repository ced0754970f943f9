fn main() {
    api::serve(catalog::search_events::endpoint())
}
