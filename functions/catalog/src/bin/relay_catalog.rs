fn main() {
    api::work(catalog::relay_catalog::worker())
}
