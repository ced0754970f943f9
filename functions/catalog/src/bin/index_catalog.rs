fn main() {
    api::work(catalog::index_catalog::worker())
}
