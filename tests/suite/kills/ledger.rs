//! A proof of the ledger that dies: the next minute goes on with it, counts nothing twice, and stops and frees whom it should.

use std::sync::Mutex;

use domain::{
    id::{MemberId, PaymentId},
    points::Discrepancy,
    time::Time,
    won::Won,
};
use points::prove_ledger::{self, Prove};
use serde_json::{Value, json};
use store::{
    Store, Transaction, Write,
    sales::points::{BalanceKey, review, top_up},
};
use tests::kills::{Step, every_kill_point};

use super::program::{program, things};
use crate::shop::variable;

/// A ledger in tables of its own.
struct Ledger {
    store: Store,
    right: MemberId,
    /// Somebody whose points are stopped, and have been mended since.
    mended: MemberId,
    /// Somebody whose points are stopped, and are still broken.
    broken: MemberId,
}

impl Ledger {
    async fn new(prefix: &Mutex<String>) -> Self {
        let own = stack::own_tables().await;
        let store = Store::new(stack::dynamo(), &own);
        *prefix.lock().unwrap() = own;
        let now = Time::now();
        let members = [(); 3].map(|()| MemberId::generate());
        for member in members {
            let bought = top_up(member, PaymentId::generate(), Won::new(1_000), now);
            store
                .transact(bought.into_iter().fold(Transaction::<()>::new(), Transaction::also))
                .await
                .unwrap();
        }
        let [right, mended, broken] = members;
        let wrong = Write::update(&BalanceKey(broken)).add("balance", 1);
        store.write(wrong, ()).await.unwrap();
        for member in [mended, broken] {
            let read = store.get(&BalanceKey(member)).await.unwrap().unwrap();
            store.write(review(member, read, Some(now)), ()).await.unwrap();
        }
        Self { store, right, mended, broken }
    }

    /// What the next minute does.
    async fn next_minute(&self) -> Value {
        let told = prove_ledger::handle(self.store.clone(), Prove::default()).await.unwrap();
        serde_json::to_value(told).unwrap()
    }

    async fn check(&self) {
        let report = self.next_minute().await;
        assert!(report["endedAt"].is_string(), "{report}");
        let named = json!([{ "discrepancy": Discrepancy::Balance, "memberId": self.broken }]);
        let counted = json!({
            "balances": 3, "balance": 3_001, "transfers": 3, "broken": 1, "sum": 0, "named": named,
        });
        for (name, value) in counted.as_object().unwrap() {
            assert_eq!(&report[name], value, "{name} of {report}");
        }
        for (member, is_stopped) in [(self.right, false), (self.mended, false), (self.broken, true)]
        {
            let balance = self.store.get(&BalanceKey(member)).await.unwrap().unwrap_or_default();
            assert_eq!(balance.may_be_spent().is_err(), is_stopped, "{balance:?}");
        }
    }
}

#[test]
fn a_proof_of_the_ledger_goes_on_however_it_dies() {
    stack::run(async {
        let (things, endpoint) = (things().await, variable("AWS_ENDPOINT_URL"));
        let prefix = Mutex::new(String::new());
        let step = Step {
            name: "prove_ledger",
            services: &[("aws", &endpoint), ("kakaopay", &endpoint)],
            program: &|outside| {
                let mut program = program("prove_ledger", things, outside);
                program.env("TABLE_PREFIX", &*prefix.lock().unwrap());
                program
            },
            event: &|_: &Ledger| json!({}),
        };
        let next_minute = async |ledger: &Ledger| drop(ledger.next_minute().await);
        let points = every_kill_point(
            step,
            async || Ledger::new(&prefix).await,
            next_minute,
            async |ledger, _| {
                ledger.check().await;
            },
        );
        let points = points.await;
        let name = |point: &tests::kills::Point| {
            point.operation.operation.rsplit(['.', '/']).next().unwrap().to_owned()
        };
        let mut names: Vec<_> = points.iter().map(name).collect();
        names.dedup();
        let calls = "Query PutItem Scan Query GetItem Query UpdateItem";
        assert_eq!(names.join(" "), calls);
    });
}
