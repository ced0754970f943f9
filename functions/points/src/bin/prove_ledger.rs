//! The Lambda function `prove_ledger`. Written by `make generate`.

fn main() {
    api::work(points::prove_ledger::worker())
}
