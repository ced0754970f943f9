use std::sync::{Arc, Mutex};

use domain::{
    device::Device,
    id::{MemberId, PaymentId, SessionId, TransferId},
    points::{Account, Kind, State, Transfer, balance},
    time::Time,
    won::Won,
};
use serde::{Deserialize, Serialize};

use crate::{
    Compare, Key, Query, Rejected, Store, StoreFault, Table, Transaction, Ttl, Write,
    ephemeral::{
        idempotency::{Begun, IdempotencyFault, LEASE, RecordKey},
        rate::{RateFault, Rule},
    },
    identity::session::{SessionItem, SessionKey},
    sales::{
        payment::BY_MEMBER,
        points::{Entry, TransferKey},
        purchase::{self, PurchaseKey},
    },
};

pub(crate) fn store() -> Store {
    Store::new(stack::dynamo(), stack::prefix())
}

fn session(now: Time) -> (SessionKey, SessionItem) {
    let key = SessionKey { member_id: MemberId::generate(), session_id: SessionId::generate() };
    let session = SessionItem {
        id: key.session_id,
        member_id: key.member_id,
        refresh_hash: "hash".into(),
        rotation: None,
        begun_after: None,
        device: Device::default(),
        country: None,
        family_hash: "family".into(),
        created_at: now,
        ended_at: None,
        expires_at: Ttl::at(now.plus(std::time::Duration::from_secs(60))),
    };
    (key, session)
}

#[test]
fn what_was_put_is_read_back_alone_and_in_a_batch_across_tables() {
    stack::run(async {
        let (store, now) = (store(), Time::now());
        let (key, session) = session(now);
        store.write(Write::create(&key, &session), ()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap().as_ref(), Some(&session));
        let nothing =
            RecordKey { account: "nobody".into(), operation: "nothing", key: "none".into() };
        assert_eq!(store.read(&(key, nothing)).await.unwrap(), (Some(session), None));
    });
}

#[test]
fn a_second_create_is_rejected_and_changes_nothing() {
    stack::run(async {
        let (store, now) = (store(), Time::now());
        let (key, session) = session(now);
        store.write(Write::create(&key, &session), ()).await.unwrap();
        let other = SessionItem { refresh_hash: "other".into(), ..session.clone() };
        let second = store.write(Write::create(&key, &other), "taken").await;
        assert!(matches!(second, Err(Rejected::Condition("taken"))), "{second:?}");
        assert_eq!(store.get(&key).await.unwrap(), Some(session));
    });
}

fn losing(operation: &'static str) -> Store {
    Store::new(stack::losing(operation, 1), stack::prefix())
}

fn end(key: &SessionKey) -> Write {
    Write::update(key).set("refreshHash", "ended").when("refreshHash", Compare::Equal, "hash")
}

#[test]
fn a_write_whose_answer_was_lost_is_known_again_and_nobody_elses_is_taken_for_it() {
    stack::run(async {
        let (key, session) = session(Time::now());
        let create = || Write::create(&key, &session);
        losing("PutItem").write(create(), ()).await.unwrap();
        let others = losing("PutItem").write(create(), "taken").await;
        assert!(matches!(others, Err(Rejected::Condition("taken"))), "{others:?}");

        let end = || end(&key);
        losing("UpdateItem").write(end(), ()).await.unwrap();
        let others = losing("UpdateItem").write(end(), "ended").await;
        assert!(matches!(others, Err(Rejected::Condition("ended"))), "{others:?}");
    });
}

#[test]
fn a_condition_that_failed_tells_what_stands_there() {
    stack::run(async {
        let (store, (key, session)) = (store(), session(Time::now()));
        let end = || end(&key);
        let nothing = store.write_or_find::<SessionKey>(end()).await;
        assert!(matches!(nothing, Err(Rejected::Condition(None))), "{nothing:?}");
        store.write(Write::create(&key, &session), ()).await.unwrap();
        store.write_or_find::<SessionKey>(end()).await.unwrap();
        let Err(Rejected::Condition(Some(found))) = store.write_or_find::<SessionKey>(end()).await
        else {
            panic!("it has ended")
        };
        assert_eq!(found.refresh_hash, "ended");
    });
}

#[test]
fn a_lost_answer_costs_no_lease() {
    stack::run(async {
        let (now, key) = (Time::now(), record());
        let first = losing("PutItem").begin(key.clone(), "a", now).await.unwrap();
        assert!(matches!(first, Begun::Run(_)));
        let later = now.plus(LEASE);
        let second = losing("UpdateItem").begin(key.clone(), "a", later).await.unwrap();
        assert!(matches!(second, Begun::Run(_)));
        let running = store().begin(key, "a", later).await;
        assert!(matches!(running, Err(IdempotencyFault::InProgress { .. })), "{running:?}");
    });
}

#[test]
fn a_lost_answer_costs_no_purchase() {
    stack::run(async {
        let (store, now) = (store(), Time::now());
        let key = PurchaseKey { member_id: MemberId::generate(), key: "key".into() };
        let remember = purchase::remember(&key, "a", PaymentId::generate(), now);
        store.transact(Transaction::new().require(remember, ())).await.unwrap();
        let record = store.get(&key).await.unwrap().unwrap();
        let take_over = || purchase::take_over(&key, &record, now.plus(LEASE));
        losing("UpdateItem").write(take_over(), ()).await.unwrap();
        let second = store.write(take_over(), "taken").await;
        assert!(matches!(second, Err(Rejected::Condition("taken"))), "{second:?}");
    });
}

#[test]
fn a_transaction_does_all_or_nothing_and_says_which_condition_failed() {
    stack::run(async {
        let (store, now) = (store(), Time::now());
        let ((there, session), (new, fresh)) = (session(now), self::session(now));
        let (another, third) = self::session(now);
        store.write(Write::create(&there, &session), ()).await.unwrap();
        let transaction = Transaction::new()
            .require(Write::create(&new, &fresh), "new")
            .require(
                Write::update(&there).set("refreshHash", "b").when(
                    "refreshHash",
                    Compare::Equal,
                    "a",
                ),
                "hash",
            )
            .require(
                Write::update(&another).set("id", third.id).when_present("pk"),
                "fails too, but comes second",
            );
        let rejected = store.transact(transaction).await;
        assert!(matches!(rejected, Err(Rejected::Condition("hash"))), "{rejected:?}");
        assert_eq!(store.get(&new).await.unwrap(), None);
    });
}

#[test]
fn conflicting_transactions_are_tried_again_until_all_are_done() {
    stack::run(async {
        let rule = Rule { name: "conflict", limit: 1000, window: LEASE };
        let subject = MemberId::generate().to_string();
        let store = store();
        let (key, session) = session(Time::now());
        store.write(Write::create(&key, &session), ()).await.unwrap();
        let one = || {
            let (store, transaction) =
                (store.clone(), Transaction::<()>::new().also(Write::update(&key).add("uses", 1)));
            tokio::spawn(async move { store.transact(transaction).await })
        };
        for run in (0..50).map(|_| one()).collect::<Vec<_>>() {
            run.await.unwrap().unwrap();
        }
        let counted =
            Write::update(&key).set("refreshHash", "seen").when("uses", Compare::Equal, 50);
        store.write(counted, ()).await.unwrap();
        store.count(rule, &subject, Time::now()).await.unwrap();
    });
}

#[test]
fn a_rate_counts_in_windows_and_says_how_long_to_wait() {
    stack::run(async {
        let rule = Rule { name: "test", limit: 2, window: std::time::Duration::from_secs(60) };
        let (store, subject) = (store(), MemberId::generate().to_string());
        let now = Time::from_millis(1_800_000_010_000);
        store.count(rule, &subject, now).await.unwrap();
        store.count(rule, &subject, now).await.unwrap();
        let third = store.count(rule, &subject, now).await.unwrap_err();
        assert!(
            matches!(third, RateFault::TooMany { retry_after } if retry_after.as_secs() == 50),
            "{third:?}"
        );
        store.count(rule, &subject, now.plus(rule.window)).await.unwrap();
        store.count(rule, "another", now).await.unwrap();
    });
}

fn record() -> RecordKey {
    RecordKey { account: MemberId::generate().to_string(), operation: "test", key: "key".into() }
}

#[test]
fn the_same_key_gives_the_same_answer_and_another_body_is_refused() {
    stack::run(async {
        let (store, now, key) = (store(), Time::now(), record());
        let Begun::Run(lease) = store.begin(key.clone(), "a", now).await.unwrap() else {
            panic!("it is new")
        };
        let running = store.begin(key.clone(), "a", now).await.unwrap_err();
        assert!(
            matches!(running, IdempotencyFault::InProgress { retry_after } if retry_after == LEASE),
            "{running:?}"
        );
        store.transact(Transaction::<()>::new().also(lease.finish("answer"))).await.unwrap();
        let again = store.begin(key.clone(), "a", now).await.unwrap();
        assert!(matches!(again, Begun::Finished(answer) if answer == "answer"));
        let other = store.begin(key, "b", now).await.unwrap_err();
        assert!(matches!(other, IdempotencyFault::KeyReused), "{other:?}");
    });
}

#[test]
fn after_the_lease_a_retry_resumes_and_the_first_run_can_no_longer_finish() {
    stack::run(async {
        let (store, now, key) = (store(), Time::now(), record());
        let Begun::Run(first) = store.begin(key.clone(), "a", now).await.unwrap() else {
            panic!("it is new")
        };
        store.write(first.made("made"), ()).await.unwrap();
        let later = now.plus(LEASE);
        let Begun::Run(second) = store.begin(key.clone(), "a", later).await.unwrap() else {
            panic!("it is due")
        };
        assert_eq!(second.made.as_deref(), Some("made"));
        assert!(matches!(
            store.write(first.finish("late"), "lost").await,
            Err(Rejected::Condition("lost"))
        ));
        store.write(second.finish("answer"), ()).await.unwrap();
    });
}

#[test]
fn a_released_lease_is_taken_at_once() {
    stack::run(async {
        let (store, now, key) = (store(), Time::now(), record());
        let Begun::Run(first) = store.begin(key.clone(), "a", now).await.unwrap() else {
            panic!("it is new")
        };
        store.write(first.release(), ()).await.unwrap();
        assert!(matches!(store.begin(key, "a", now).await.unwrap(), Begun::Run(_)));
    });
}

#[test]
fn a_record_past_its_time_counts_as_gone_though_the_database_still_has_it() {
    stack::run(async {
        let (store, now, key) = (store(), Time::now(), record());
        let Begun::Run(first) = store.begin(key.clone(), "a", now).await.unwrap() else {
            panic!("it is new")
        };
        store.write(first.finish("old"), ()).await.unwrap();
        let tomorrow = now.plus(std::time::Duration::from_secs(24 * 3600 + 1));
        assert!(matches!(store.begin(key, "b", tomorrow).await.unwrap(), Begun::Run(_)));
    });
}

#[test]
fn an_item_with_attributes_of_a_newer_version_is_read() {
    stack::run(async {
        let store = store();
        let (key, session) = session(Time::now());
        store.write(Write::create(&key, &session), ()).await.unwrap();
        store.write(Write::update(&key).set("fromTheFuture", "x"), ()).await.unwrap();
        assert_eq!(store.get(&key).await.unwrap(), Some(session));
    });
}

#[test]
fn every_transfer_is_found_from_both_of_its_accounts_and_all_sums_are_zero() {
    stack::run(async {
        let store = Store::new(stack::dynamo(), &stack::own_tables().await);
        let [mina, juno] = [MemberId::generate(), MemberId::generate()];
        let accounts = [
            Account::Member(mina),
            Account::Member(juno),
            Account::Artist(juno),
            Account::Platform,
            Account::Promotion,
        ];
        let mut transfers = Vec::new();
        while transfers.len() < 1_500 {
            let [from, to] = [(); 2].map(|()| fastrand::choice(accounts).unwrap());
            let (kind, state) = (Kind::Used, *fastrand::choice(State::ALL).unwrap());
            let (id, amount) = (TransferId::generate(), Won::new(fastrand::u64(1..100_000)));
            if from != to {
                transfers.push(Transfer { id, from, to, amount, kind, state });
            }
        }
        for some in transfers.chunks(100) {
            let entries =
                some.iter().map(|transfer| Entry::of(transfer.clone(), None, Time::now()));
            let writes =
                entries.fold(Transaction::<()>::new(), |all, entry| all.also(entry.create()));
            store.transact(writes).await.unwrap();
        }
        let mut all = 0;
        for account in accounts {
            let sum = store.sum_of(account).await.unwrap().posted;
            assert_eq!(sum, balance(account, &transfers), "{account}");
            all += sum;
        }
        assert_eq!(all, 0);
    });
}

#[test]
fn a_sum_is_not_told_without_what_cant_be_read() {
    stack::run(async {
        let (store, member_id) = (store(), MemberId::generate());
        let account = Account::Member(member_id);
        let transfer = Transfer {
            id: TransferId::generate(),
            from: Account::Promotion,
            to: account,
            amount: Won::new(100),
            kind: Kind::Earned,
            state: State::Posted,
        };
        let key = TransferKey { account: Account::Promotion, id: transfer.id };
        let entry = Entry::of(transfer, None, Time::now());
        store.write(entry.create(), ()).await.unwrap();
        assert_eq!(store.sum_of(account).await.unwrap().posted, 100);
        store.write(Write::update(&key).set("amount", "much"), ()).await.unwrap();
        assert!(matches!(store.sum_of(account).await, Err(StoreFault::Item(_))));
        let listed = store.transfers_of(member_id, 10, None).await.unwrap().items;
        assert_eq!(listed, []);
    });
}

/// Something that a member has, as a list shows it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thing {
    number: u32,
    member_key: String,
    member_sort: String,
}

struct ThingKey<'a>(&'a Thing);

impl Key for ThingKey<'_> {
    type Item = Thing;
    const TABLE: Table = Table::Sales;

    fn pair(&self) -> (String, String) {
        (format!("{}#{}", self.0.member_key, self.0.number), "THING".to_owned())
    }
}

#[test]
fn a_list_goes_on_without_what_cant_be_read_and_says_so() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let log = telemetry::captured(move |line| sink.lock().unwrap().extend_from_slice(line));
    let _listening = tracing::subscriber::set_default(log);
    stack::run(async {
        let (store, member_key) = (store(), format!("MEM#{}#THING", MemberId::generate()));
        for number in 1..=5 {
            let member_sort = number.to_string();
            let thing = Thing { number, member_key: member_key.clone(), member_sort };
            store.write(Write::create(&ThingKey(&thing), &thing), ()).await.unwrap();
            if number == 3 || number == 4 {
                let write = Write::update(&ThingKey(&thing)).set("number", "III");
                store.write(write, ()).await.unwrap();
            }
        }
        let (mut pages, mut start) = (Vec::new(), None);
        loop {
            let query = Query::new(BY_MEMBER, member_key.clone(), 2).after(start);
            let page = store.query::<Thing>(query).await.unwrap();
            pages.push(page.items.iter().map(|thing| thing.number).collect::<Vec<_>>());
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        assert_eq!(pages, [vec![1, 2], vec![], vec![5]]);
        let lines = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
        for number in [3, 4] {
            let told = format!(r#""pk":"{member_key}#{number}""#);
            let line = lines.lines().find(|line| line.contains(&told)).expect(&lines);
            assert!(line.contains(r#""level":"ERROR""#), "{line}");
        }
        let counted = lines.lines().filter(|line| line.contains(r#""Unreadable":1"#)).count();
        assert_eq!(counted, 2, "{lines}");
    });
}
