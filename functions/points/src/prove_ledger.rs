//! Worker on a schedule, each minute: proves each night that every balance is the sum of its transfers, and that all accounts
//! together are zero.
//!
//! It reads the whole table, in segments side by side, and compares each balance on a page with its member's transfers. How far it is
//! stands in one item, written after the pages: a run that dies, or has more to do than its time, leaves the rest to the next minute.
//! What is not as it should be is read again and again before it is called broken: something may have been bought in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use api::Worker;
use domain::{
    id::MemberId,
    points::{Account, Books, Discrepancy},
    time::{Day, Time},
};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use store::{
    Store, StoreFault,
    sales::{
        points::{Balance, BalanceKey, review},
        proof::{Broken, Found, Kept, Proof},
    },
    was_done,
};

/// When in the night a day's proof begins, in Korea.
const BEGINS: Duration = Duration::from_hours(3);

/// How long a run goes on with other pages. Those that it is at, with what is read again of them, are done within the function's time.
const BUDGET: Duration = Duration::from_secs(30);

/// So many members are looked at side by side.
const AT_ONCE: usize = 32;

/// After which pauses a suspect is read again. The index of transfers is a moment behind: longer than the last of these it is not
/// unless the table is in trouble.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(8)];

/// What is to be proved.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Prove {
    /// This member's points alone, at once: for whoever has mended them.
    member_id: Option<MemberId>,
}

/// What was found.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Proved {
    /// Of the ledger, as far as the proof is.
    Ledger(Report),
    /// Of one member.
    Member(Verdict),
}

/// How far a proof is, and what it has found.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Of which day.
    day: Day,
    begun_at: Time,
    /// Null while it goes on.
    ended_at: Option<Time>,
    #[serde(flatten)]
    found: Found,
    /// All accounts together.
    sum: i64,
    /// What is wrong: the first of it.
    named: Vec<Broken>,
}

impl From<Proof> for Report {
    fn from(proof: Proof) -> Self {
        let Proof { day, begun_at, ended_at, found, broken, .. } = proof;
        Self { day, begun_at, ended_at, found, sum: found.posted.sum(), named: broken }
    }
}

/// What is found of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// They stand as their transfers say.
    Proved,
    /// Some of their transfers only a newer program knows.
    Newer,
    /// They moved at each look.
    Unsettled,
    /// They do not.
    Broken {
        /// What is wrong.
        discrepancy: Discrepancy,
    },
}

/// Goes on with the proof of this night, or proves one member.
///
/// # Errors
/// When the database does not answer; the next minute is the retry.
pub async fn handle(store: Store, what: Prove) -> Result<Proved, StoreFault> {
    let now = Time::now();
    match what.member_id {
        None => Ok(Proved::Ledger(go_on(&store, now, &LOOKS).await?.into())),
        Some(member) => {
            let balance = store.get(&BalanceKey(member)).await?;
            let verdicts = prove(&store, vec![(member, balance)], now, &LOOKS).await?;
            let verdict = verdicts.into_iter().next().map(|(_, verdict)| verdict);
            Ok(Proved::Member(verdict.unwrap_or(Verdict::Proved)))
        }
    }
}

async fn go_on(store: &Store, now: Time, looks: &[Duration]) -> Result<Proof, StoreFault> {
    let began = Instant::now();
    let day = now.minus(BEGINS).korean_day();
    let mut proof = match store.newest_proof().await? {
        Some(proof) if proof.ended_at.is_none() && proof.day < day => {
            tracing::error!(
                metric = "ProofOverdue",
                "the proof of a night is not done by the next"
            );
            proof
        }
        Some(proof) if proof.ended_at.is_none() || proof.day >= day => proof,
        _ => {
            let mut first = Proof::new(day, now);
            if !store.proof_goes_on(None, &mut first).await? {
                // Somebody else has begun it.
                return Ok(first);
            }
            first
        }
    };
    while proof.ended_at.is_none() && began.elapsed() < BUDGET {
        let mut next = pages(store, &proof, now, looks).await?;
        if !store.proof_goes_on(Some(&proof), &mut next).await? {
            // Somebody else is at it.
            break;
        }
        proof = next;
        let sum = proof.found.posted.sum();
        if proof.ended_at.is_some() && sum != 0 {
            tracing::error!(metric = "LedgerBroken", amount = sum, "the ledger is not zero");
        }
    }
    Ok(proof)
}

/// Reads a page of each segment, proves what is on it, and answers how far the proof is then.
async fn pages(
    store: &Store,
    proof: &Proof,
    now: Time,
    looks: &[Duration],
) -> Result<Proof, StoreFault> {
    let mut next = proof.clone();
    next.segments.clear();
    let (mut stood, mut owners) = (BTreeMap::new(), BTreeSet::new());
    let mut broken = Vec::new();
    for (items, rest) in try_join_all(proof.segments.iter().map(|it| store.ledger(it))).await? {
        next.segments.extend(rest);
        for item in items {
            let (discrepancy, place) = match item {
                Kept::Balance(member, balance) => {
                    next.found.count_balance(balance);
                    stood.insert(member, Some(balance));
                    continue;
                }
                Kept::Transfer { transfer, found_by, place } => {
                    next.found.count_transfer(&transfer, &found_by);
                    let both = [transfer.from, transfer.to];
                    owners.extend(both.into_iter().filter_map(owner));
                    if both.iter().all(|account| found_by.contains(account)) {
                        continue;
                    }
                    (Discrepancy::Misfiled, place)
                }
                Kept::Unreadable(place) => (Discrepancy::Unreadable, place),
            };
            broken.push(Broken { discrepancy, member_id: None, item: Some(place) });
        }
    }
    // Whose balance is on another page is proved there; who has none, here.
    let elsewhere: Vec<_> = owners.into_iter().filter(|id| !stood.contains_key(id)).collect();
    for some in elsewhere.chunks(100) {
        let without = store.without_balance(some).await?;
        stood.extend(without.into_iter().map(|member| (member, None)));
    }
    for (member, verdict) in prove(store, Vec::from_iter(stood), now, looks).await? {
        match verdict {
            Verdict::Proved => {}
            Verdict::Newer => next.found.newer += 1,
            Verdict::Unsettled => next.found.unsettled += 1,
            Verdict::Broken { discrepancy } => {
                broken.push(Broken { discrepancy, member_id: Some(member), item: None });
            }
        }
    }
    for broken in broken {
        tell(&broken);
        next.breaks(broken);
    }
    next.ended_at = next.segments.is_empty().then_some(now);
    Ok(next)
}

/// Whose balance a transfer is about.
fn owner(account: Account) -> Option<MemberId> {
    match account {
        Account::Member(id) | Account::Debt(id) => Some(id),
        Account::Artist(_) | Account::Platform | Account::Promotion | Account::Unknown => None,
    }
}

/// Calls a person.
fn tell(broken: &Broken) {
    let (pk, sk) = broken.item.as_ref().map(|it| (&*it.pk, &*it.sk)).unzip();
    tracing::error!(
        metric = "LedgerBroken",
        member_id = broken.member_id.map(tracing::field::display),
        pk,
        sk,
        reason = broken.discrepancy.as_str(),
        "the ledger is broken"
    );
}

/// A member's balance and their transfers, at one look. No transfers: some can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    member: MemberId,
    balance: Option<Balance>,
    books: Option<Books>,
}

impl Look {
    async fn at(
        store: &Store,
        member: MemberId,
        balance: Option<Balance>,
    ) -> Result<Self, StoreFault> {
        let books = match store.books_of(member).await {
            Ok(books) => Some(books),
            Err(StoreFault::Item(_)) => None,
            Err(fault) => return Err(fault),
        };
        Ok(Self { member, balance, books })
    }

    /// The same, of the balance as it is now.
    async fn again(&self, store: &Store) -> Result<Self, StoreFault> {
        match store.get(&BalanceKey(self.member)).await {
            Ok(balance) => Self::at(store, self.member, balance).await,
            Err(StoreFault::Item(_)) => Ok(Self { books: None, ..*self }),
            Err(fault) => Err(fault),
        }
    }

    fn verdict(&self) -> Verdict {
        let proved = match (self.books, self.balance) {
            (Some(books), _) if books.newer => return Verdict::Newer,
            (Some(books), Some(balance)) => books.prove(balance.standing()),
            (Some(_), None) => Err(Discrepancy::NoBalance),
            (None, _) => Err(Discrepancy::Unreadable),
        };
        proved.map_or_else(|discrepancy| Verdict::Broken { discrepancy }, |()| Verdict::Proved)
    }

    fn is_under_review(&self) -> bool {
        self.balance.is_some_and(|balance| balance.under_review_since.is_some())
    }
}

/// Proves members who stood so when they were read, and stops or frees their points by it.
async fn prove(
    store: &Store,
    stood: Vec<(MemberId, Option<Balance>)>,
    now: Time,
    looks: &[Duration],
) -> Result<Vec<(MemberId, Verdict)>, StoreFault> {
    let (mut done, mut suspects) = (Vec::new(), Vec::new());
    for some in stood.chunks(AT_ONCE) {
        let seen = some.iter().map(|(member, balance)| Look::at(store, *member, *balance));
        for look in try_join_all(seen).await? {
            match look.verdict() {
                Verdict::Broken { .. } => suspects.push((look, false)),
                verdict => done.push((look, verdict)),
            }
        }
    }
    for pause in looks {
        // Who was found broken before is so still, if nothing has moved.
        let waits = |(look, is_same): &(Look, bool)| !(*is_same && look.is_under_review());
        if !suspects.iter().any(waits) {
            break;
        }
        tokio::time::sleep(*pause).await;
        let before = std::mem::take(&mut suspects);
        for some in before.chunks(AT_ONCE) {
            let seen = try_join_all(some.iter().map(|(look, _)| look.again(store))).await?;
            for (look, (before, _)) in seen.into_iter().zip(some) {
                match look.verdict() {
                    Verdict::Broken { .. } => suspects.push((look, look == *before)),
                    verdict => done.push((look, verdict)),
                }
            }
        }
    }
    let moved = |(look, is_same): (Look, bool)| {
        (look, if is_same { look.verdict() } else { Verdict::Unsettled })
    };
    done.extend(suspects.into_iter().map(moved));
    let mut verdicts = Vec::new();
    for some in done.chunks(AT_ONCE) {
        let marked = some.iter().map(|(look, verdict)| mark(store, look, *verdict, now));
        verdicts.extend(try_join_all(marked).await?);
    }
    Ok(verdicts)
}

/// Stops the points of a member who does not stand as their transfers say, and frees those of one who does. Nobody's who moved since.
async fn mark(
    store: &Store,
    look: &Look,
    verdict: Verdict,
    now: Time,
) -> Result<(MemberId, Verdict), StoreFault> {
    let since = match verdict {
        Verdict::Proved if look.is_under_review() => None,
        Verdict::Broken { .. } if !look.is_under_review() => Some(now),
        _ => return Ok((look.member, verdict)),
    };
    // Who has no balance has nothing to spend.
    let Some(balance) = look.balance else { return Ok((look.member, verdict)) };
    let marked = was_done(store.write(review(look.member, balance, since), ()).await)?;
    Ok((look.member, if marked { verdict } else { Verdict::Unsettled }))
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(handle)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use domain::{
        id::PaymentId,
        points::{Kind, Spent, Standing},
        won::Won,
    };
    use futures::future::join_all;
    use serde_json::{Value, json};
    use store::{
        Client, Key, Transaction, Write,
        sales::{
            points::{
                Entry, SetAside, TransferKey, earn_and_owe, forfeit, give_back, sell_back,
                set_aside, top_up,
            },
            proof::ProofKey,
        },
    };

    use super::*;

    /// As often as in earnest, without the pauses.
    const NO_PAUSE: [Duration; 3] = [Duration::ZERO; 3];
    const DAY: Duration = Duration::from_hours(24);

    /// A ledger in tables of its own.
    struct Ledger {
        prefix: String,
        store: Store,
        now: Time,
    }

    impl Ledger {
        async fn new() -> Self {
            let prefix = stack::own_tables().await;
            let store = Store::new(stack::dynamo(), &prefix);
            Self { prefix, store, now: Time::now() }
        }

        /// The same tables by another client.
        fn by(&self, client: Client) -> Store {
            Store::new(client, &self.prefix)
        }

        async fn write(&self, writes: impl IntoIterator<Item = Write>) {
            let whole = writes.into_iter().fold(Transaction::<()>::new(), Transaction::also);
            if !whole.is_empty() {
                self.store.transact(whole).await.unwrap();
            }
        }

        async fn balance(&self, member: MemberId) -> Balance {
            self.store.get(&BalanceKey(member)).await.unwrap().unwrap_or_default()
        }

        async fn tops_up(&self, member: MemberId, points: u64) {
            let bought = top_up(member, PaymentId::generate(), Won::new(points), self.now);
            self.write(bought).await;
        }

        async fn earns(&self, member: MemberId, points: u64) {
            let read = self.balance(member).await;
            let (payment, points) = (PaymentId::generate(), Won::new(points));
            self.write(earn_and_owe(member, payment, points, read, self.now).unwrap()).await;
        }

        async fn holds(&self, member: MemberId, points: u64) -> Option<SetAside> {
            let read = self.balance(member).await;
            let (payment, points) = (PaymentId::generate(), Won::new(points));
            let (aside, writes) = set_aside(member, payment, points, read, self.now)?;
            self.write(writes).await;
            Some(aside)
        }

        /// What was earned is taken back.
        async fn is_refunded(&self, member: MemberId, returned: Spent, taken: u64) {
            let read = self.balance(member).await;
            let (payment, taken) = (PaymentId::generate(), Won::new(taken));
            let back = give_back(member, payment, returned, taken, read, self.now);
            self.write(back.unwrap()).await;
        }

        /// Somebody who bought 1,000 points, earned 150, holds 200, and owes 40.
        async fn member(&self) -> MemberId {
            let member = MemberId::generate();
            self.earns(member, 150).await;
            self.holds(member, 150).await.unwrap();
            self.is_refunded(member, Spent::default(), 40).await;
            self.tops_up(member, 1_000).await;
            self.holds(member, 50).await.unwrap();
            member
        }

        /// The proof of so many days later, to its end.
        async fn proof(&self, days: u32) -> Proof {
            let now = self.now.plus(DAY * days);
            let mut proof = go_on(&self.store, now, &NO_PAUSE).await.unwrap();
            while proof.ended_at.is_none() {
                proof = go_on(&self.store, now, &NO_PAUSE).await.unwrap();
            }
            assert_eq!(proof.day, now.minus(BEGINS).korean_day());
            proof
        }

        /// The member's only transfer of a kind, and where it stands.
        async fn transfer(&self, member: MemberId, kind: Kind) -> (Entry, TransferKey) {
            let page = self.store.transfers_of(member, 100, None).await.unwrap();
            let entry = page.items.into_iter().find(|it| it.transfer.kind == kind).unwrap();
            let account = entry.transfer.from.max(entry.transfer.to);
            let key = TransferKey { account, id: entry.transfer.id };
            (entry, key)
        }

        /// What a first look says, what a proof by this client does, and whether the member is stopped then.
        async fn seen(
            &self,
            store: &Store,
            member: MemberId,
            read: Balance,
        ) -> (Verdict, Verdict, bool) {
            let first = Look::at(store, member, Some(read)).await.unwrap().verdict();
            let verdicts = prove(store, vec![(member, Some(read))], self.now, &NO_PAUSE).await;
            (first, verdicts.unwrap()[0].1, self.is_stopped(member).await)
        }

        async fn is_stopped(&self, member: MemberId) -> bool {
            self.balance(member).await.may_be_spent().is_err()
        }
    }

    fn names(proof: &Proof) -> Vec<(Discrepancy, Option<MemberId>)> {
        proof.broken.iter().map(|it| (it.discrepancy, it.member_id)).collect()
    }

    #[test]
    fn a_ledger_in_order_is_proved_once_a_night_and_all_accounts_together_are_zero() {
        stack::run(async {
            let ledger = Ledger::new().await;
            for _ in 0..3 {
                ledger.member().await;
            }
            let proof = ledger.proof(0).await;
            assert_eq!((proof.found.broken, &proof.broken), (0, &vec![]));
            let report = serde_json::to_value(Report::from(proof.clone())).unwrap();
            let counted = json!({
                "balances": 3, "balance": 3 * 950, "bought": 3 * 950, "debt": 3 * 40,
                "transfers": 3 * 5, "setAside": 3 * 200,
                "posted": {
                    "members": 3 * 1_150, "debts": -3 * 40, "platform": -3 * 1_000, "promotion": -3 * 110,
                    "artists": 0, "unknown": 0,
                },
                "sum": 0, "broken": 0, "unsettled": 0, "newer": 0, "named": [],
            });
            for (name, value) in counted.as_object().unwrap() {
                assert_eq!(&report[name], value, "{name} of {report}");
            }
            // The same night it is done, whatever comes; the next it begins anew.
            ledger.member().await;
            assert_eq!(ledger.proof(0).await, proof);
            let next = ledger.proof(1).await;
            assert_eq!((next.found.balances, next.found.broken), (4, 0));
            assert_eq!(ledger.store.get(&ProofKey(proof.day)).await.unwrap(), Some(proof));
        });
    }

    /// What breaks a ledger, and what mends it; whether its member's points are stopped.
    struct Break {
        what: Discrepancy,
        breaks: Vec<Write>,
        mends: Vec<Write>,
        stops: bool,
    }

    #[test]
    fn whatever_is_broken_is_found_and_named_and_its_member_alone_is_stopped_until_it_is_mended() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let log = telemetry::captured(move |line| sink.lock().unwrap().extend_from_slice(line));
        let _listening = tracing::subscriber::set_default(log);
        stack::run(async {
            let ledger = Ledger::new().await;
            let right = ledger.member().await;
            let mut broken = Vec::new();
            for (name, wrong, by, what) in [
                ("balance", ledger.member().await, 1, Discrepancy::Balance),
                ("balance", ledger.member().await, -1, Discrepancy::Balance),
                ("debt", ledger.member().await, -1, Discrepancy::Debt),
                ("bought", ledger.member().await, 1, Discrepancy::Bought),
            ] {
                let add = |number| vec![Write::update(&BalanceKey(wrong)).add(name, number)];
                broken.push((wrong, Break { what, breaks: add(by), mends: add(-by), stops: true }));
            }
            let lost = ledger.member().await;
            let kept = ledger.balance(lost).await;
            broken.push((
                lost,
                Break {
                    what: Discrepancy::NoBalance,
                    breaks: vec![Write::delete(&BalanceKey(lost))],
                    mends: vec![Write::create(&BalanceKey(lost), &kept)],
                    stops: false,
                },
            ));
            let gone = ledger.member().await;
            let (entry, key) = ledger.transfer(gone, Kind::TopUp).await;
            broken.push((
                gone,
                Break {
                    what: Discrepancy::Balance,
                    breaks: vec![Write::delete(&key)],
                    mends: vec![entry.create()],
                    stops: true,
                },
            ));
            let (entry, key) = ledger.transfer(ledger.member().await, Kind::TopUp).await;
            let unreadable = match entry.transfer.to {
                Account::Member(id) => id,
                other => panic!("{other}"),
            };
            broken.push((
                unreadable,
                Break {
                    what: Discrepancy::Unreadable,
                    breaks: vec![Write::update(&key).set("amount", "much")],
                    mends: vec![Write::update(&key).set("amount", 1_000)],
                    stops: true,
                },
            ));
            for (_, it) in &broken {
                ledger.write(it.breaks.clone()).await;
            }
            let proof = ledger.proof(0).await;
            let named = names(&proof);
            for (member, it) in &broken {
                assert!(named.contains(&(it.what, Some(*member))), "{:?} in {named:?}", it.what);
                assert_eq!(ledger.is_stopped(*member).await, it.stops, "{:?}", it.what);
            }
            // The transfer that can't be read is named by itself, too.
            assert_eq!(
                (named.len(), proof.found.broken),
                (broken.len() + 1, broken.len() as u64 + 1)
            );
            assert!(named.contains(&(Discrepancy::Unreadable, None)));
            assert!(!ledger.is_stopped(right).await);
            ledger.holds(right, 1).await.unwrap();
            let told = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
            let counted = told.lines().filter(|line| line.contains(r#""LedgerBroken":1"#));
            assert_eq!(counted.count(), named.len(), "{told}");

            // As long as it is broken each night says so, and what is mended is free again.
            let (first, rest) = broken.split_first().unwrap();
            for (_, it) in rest {
                ledger.write(it.mends.clone()).await;
            }
            let proof = ledger.proof(1).await;
            assert_eq!(names(&proof), [(first.1.what, Some(first.0))]);
            for (member, _) in rest {
                assert!(!ledger.is_stopped(*member).await);
            }
            assert!(ledger.is_stopped(first.0).await);
            ledger.write(first.1.mends.clone()).await;
            let alone = Prove { member_id: Some(first.0) };
            let mended = handle(ledger.store.clone(), alone).await.unwrap();
            assert_eq!(serde_json::to_value(mended).unwrap(), json!({ "verdict": "PROVED" }));
            assert!(!ledger.is_stopped(first.0).await);
        });
    }

    #[test]
    fn a_transfer_that_one_of_its_accounts_does_not_find_makes_the_sum_no_longer_zero() {
        stack::run(async {
            let ledger = Ledger::new().await;
            let (member, other) = (ledger.member().await, ledger.member().await);
            let (_, key) = ledger.transfer(member, Kind::TopUp).await;
            let elsewhere = format!("MEM#{other}#TRF");
            ledger.write([Write::update(&key).set("memberKey", elsewhere)]).await;
            let proof = ledger.proof(0).await;
            let (pk, sk) = key.pair();
            let named = proof.broken.iter().find(|it| it.discrepancy == Discrepancy::Misfiled);
            let item = named.unwrap().item.clone().unwrap();
            assert_eq!((item.pk, item.sk), (pk, sk));
            assert!(names(&proof).contains(&(Discrepancy::Balance, Some(member))));
            assert_eq!((proof.found.broken, proof.found.posted.sum()), (2, -1_000));
            assert!(!ledger.is_stopped(other).await, "who does not gain by it");
        });
        stack::run(async {
            let ledger = Ledger::new().await;
            let member = ledger.member().await;
            let (entry, key) = ledger.transfer(member, Kind::TopUp).await;
            let elsewhere = TransferKey { account: Account::Promotion, ..key };
            ledger.write([Write::delete(&key), Write::create(&elsewhere, &entry)]).await;
            let proof = ledger.proof(0).await;
            assert_eq!(names(&proof), [(Discrepancy::Misfiled, None)]);
            assert_eq!(proof.found.posted.sum(), 1_000);
            assert!(!ledger.is_stopped(member).await, "it is the shop's cash that lacks");
        });
    }

    /// What a first look says of a member whose balance was read before they bought something, what a proof does, and whether they are
    /// stopped.
    async fn bought_in_between() -> (Verdict, Verdict, bool) {
        let ledger = Ledger::new().await;
        let member = ledger.member().await;
        let read = ledger.balance(member).await;
        ledger.holds(member, 10).await.unwrap();
        ledger.seen(&ledger.store, member, read).await
    }

    /// The same of one whose newest transfer the index does not know when it is looked at first.
    async fn known_later() -> (Verdict, Verdict, bool) {
        let ledger = Ledger::new().await;
        let member = ledger.member().await;
        let read = ledger.balance(member).await;
        let (entry, key) = ledger.transfer(member, Kind::TopUp).await;
        ledger.write([Write::delete(&key)]).await;
        let (store, create) = (ledger.store.clone(), entry.create());
        let behind = ledger.by(stack::meanwhile("GetItem", move || {
            let (store, create) = (store.clone(), create.clone());
            async move { store.write(create, ()).await.unwrap() }
        }));
        ledger.seen(&behind, member, read).await
    }

    #[test]
    fn what_is_bought_in_between_and_an_index_that_is_behind_are_no_false_alarm() {
        stack::run(async {
            let discrepancy = Discrepancy::Balance;
            // By the first look alone they would be one.
            let seen = (Verdict::Broken { discrepancy }, Verdict::Proved, false);
            assert_eq!(bought_in_between().await, seen);
            assert_eq!(known_later().await, seen);
        });
    }

    #[test]
    fn who_moves_at_each_look_is_left_to_the_next_proof() {
        stack::run(async {
            let ledger = Ledger::new().await;
            let member = ledger.member().await;
            ledger.write([Write::update(&BalanceKey(member)).add("balance", 1)]).await;
            let read = ledger.balance(member).await;
            let mover = ledger.store.clone();
            let moving = ledger.by(stack::meanwhile("GetItem", move || {
                let store = mover.clone();
                async move {
                    let moves = top_up(member, PaymentId::generate(), Won::new(5), Time::now());
                    let whole = moves.into_iter().fold(Transaction::<()>::new(), Transaction::also);
                    store.transact(whole).await.unwrap();
                }
            }));
            let looked =
                prove(&moving, vec![(member, Some(read))], ledger.now, &NO_PAUSE[..1]).await;
            assert_eq!(looked.unwrap()[0].1, Verdict::Unsettled);
            assert!(!ledger.is_stopped(member).await);
            assert_eq!(ledger.proof(0).await.found.broken, 1);
        });
    }

    #[test]
    fn nobody_is_stopped_who_moved_after_the_last_look() {
        stack::run(async {
            let ledger = Ledger::new().await;
            let member = ledger.member().await;
            ledger.write([Write::update(&BalanceKey(member)).add("balance", 1)]).await;
            let read = ledger.balance(member).await;
            let mender = ledger.store.clone();
            let mended = ledger.by(stack::meanwhile("UpdateItem", move || {
                let store = mender.clone();
                let mend = Write::update(&BalanceKey(member)).add("balance", -1);
                async move { store.write(mend, ()).await.unwrap() }
            }));
            let looked = prove(&mended, vec![(member, Some(read))], ledger.now, &NO_PAUSE).await;
            assert_eq!(looked.unwrap()[0].1, Verdict::Unsettled);
            assert!(!ledger.is_stopped(member).await);
        });
    }

    #[test]
    fn what_only_a_newer_program_knows_proves_nothing_and_stops_nobody() {
        stack::run(async {
            let ledger = Ledger::new().await;
            let member = ledger.member().await;
            let (_, key) = ledger.transfer(member, Kind::TopUp).await;
            ledger.write([Write::update(&key).set("state", "DISPUTED")]).await;
            let found = ledger.proof(0).await.found;
            assert_eq!((found.newer, found.broken, found.posted.sum()), (1, 0, 0));
            assert!(!ledger.is_stopped(member).await);
        });
    }

    #[test]
    fn what_a_night_does_not_come_to_is_told_and_gone_on_with_before_another_begins() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let log = telemetry::captured(move |line| sink.lock().unwrap().extend_from_slice(line));
        let _listening = tracing::subscriber::set_default(log);
        let told = || String::from_utf8(lines.lock().unwrap().clone()).unwrap();
        stack::run(async {
            let ledger = Ledger::new().await;
            ledger.member().await;
            let today = ledger.now.minus(BEGINS).korean_day();
            let mut begun = Proof::new(today, ledger.now);
            assert!(ledger.store.proof_goes_on(None, &mut begun).await.unwrap());
            let tomorrow = ledger.now.plus(DAY);
            let done = go_on(&ledger.store, tomorrow, &NO_PAUSE).await.unwrap();
            assert_eq!((done.day, done.ended_at.is_some()), (today, true));
            assert_eq!(told().matches(r#""ProofOverdue":1"#).count(), 1, "{}", told());
            assert_ne!(go_on(&ledger.store, tomorrow, &NO_PAUSE).await.unwrap().day, today);
            assert_eq!(told().matches(r#""ProofOverdue":1"#).count(), 1);
        });
    }

    /// Something else in the table.
    struct Filler(u32);

    impl Key for Filler {
        type Item = Value;
        const TABLE: store::Table = store::Table::Sales;

        fn pair(&self) -> (String, String) {
            ("FILLER".to_owned(), format!("{:04}", self.0))
        }
    }

    #[test]
    fn whoever_dies_over_a_page_leaves_it_to_the_next_and_of_two_at_one_page_one_goes_on() {
        stack::run(async {
            let ledger = Ledger::new().await;
            for _ in 0..3 {
                ledger.member().await;
            }
            let broken = ledger.member().await;
            ledger.write([Write::update(&BalanceKey(broken)).add("balance", 1)]).await;
            // More than two pages of a segment.
            for some in (0..1_100).collect::<Vec<_>>().chunks(100) {
                let fill =
                    |number: &u32| Write::put(&Filler(*number), &json!({ "number": number }));
                ledger.write(some.iter().map(fill)).await;
            }
            let Ledger { store, now, .. } = &ledger;
            let undisturbed = ledger.proof(0).await;
            let mut proof = Proof::new(now.plus(DAY).korean_day(), now.plus(DAY));
            assert!(store.proof_goes_on(None, &mut proof).await.unwrap());
            let mut rounds = 0;
            while proof.ended_at.is_none() {
                // One dies before it has written how far it is.
                pages(store, &proof, *now, &NO_PAUSE).await.unwrap();
                let mut one = pages(store, &proof, *now, &NO_PAUSE).await.unwrap();
                let mut other = one.clone();
                assert!(store.proof_goes_on(Some(&proof), &mut one).await.unwrap());
                assert!(!store.proof_goes_on(Some(&proof), &mut other).await.unwrap());
                proof = store.newest_proof().await.unwrap().unwrap();
                assert_eq!(proof, one);
                rounds += 1;
            }
            assert_eq!(rounds, 3);
            assert_eq!((proof.found, proof.broken), (undisturbed.found, undisturbed.broken));
            assert!(ledger.is_stopped(broken).await);
        });
    }

    #[test]
    fn without_its_version_two_at_one_page_count_it_twice() {
        stack::run(async {
            let ledger = Ledger::new().await;
            ledger.member().await;
            let careless = ledger.by(stack::without("version"));
            let mut proof = Proof::new(ledger.now.korean_day(), ledger.now);
            assert!(careless.proof_goes_on(None, &mut proof).await.unwrap());
            let mut one = pages(&careless, &proof, ledger.now, &NO_PAUSE).await.unwrap();
            let mut other = one.clone();
            assert!(careless.proof_goes_on(Some(&proof), &mut one).await.unwrap());
            assert!(careless.proof_goes_on(Some(&proof), &mut other).await.unwrap());
        });
    }

    /// Whatever members do with points, in any order, is proved.
    #[test]
    fn any_history_is_proved_right() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        fastrand::seed(seed);
        stack::run(async {
            let ledger = Ledger::new().await;
            let members: Vec<_> = (0..6).map(|_| MemberId::generate()).collect();
            let (mut aside, mut spent) = (Vec::new(), Vec::new());
            for step in 0..240 {
                let (member, payment) = (members[fastrand::usize(..6)], PaymentId::generate());
                let (points, now) = (fastrand::u64(1..300), ledger.now);
                let read = ledger.balance(member).await;
                match fastrand::u8(..9) {
                    0 | 1 => ledger.tops_up(member, points).await,
                    2 | 3 => ledger.earns(member, points).await,
                    4 => {
                        let set_aside = ledger.holds(member, points).await;
                        aside.extend(set_aside.map(|it| (it, member, Won::new(points))));
                    }
                    5 => {
                        if let Some((it, member, points)) = aside.pop() {
                            ledger.write([it.post()]).await;
                            spent.push((member, Spent { points, bought: it.bought }));
                        }
                    }
                    6 => {
                        if let Some((it, member, points)) = aside.pop() {
                            ledger.write(it.void(member, points)).await;
                        }
                    }
                    7 => {
                        let (member, returned) = spent.pop().unwrap_or((member, Spent::default()));
                        ledger.is_refunded(member, returned, points).await;
                    }
                    _ if step % 5 == 0 && !read.balance.is_zero() => {
                        let (transfer, taking) = forfeit(member, read.balance, now);
                        ledger.write(transfer.into_iter().chain([taking])).await;
                    }
                    _ => {
                        let sold = sell_back(member, payment, Won::new(points), read, now);
                        ledger.write(sold.into_iter().flatten()).await;
                    }
                }
            }
            let proof = ledger.proof(0).await;
            assert_eq!(names(&proof), [], "seed {seed}");
            let stood: Vec<_> = join_all(members.iter().map(|it| ledger.balance(*it))).await;
            let sum = |of: fn(Standing) -> Won| {
                stood.iter().map(|it| of(it.standing()).get() as i64).sum::<i64>()
            };
            let Found { balance, bought, debt, set_aside, posted, .. } = proof.found;
            assert_eq!(
                [balance, bought, debt],
                [sum(|it| it.balance), sum(|it| it.bought), sum(|it| it.debt)]
            );
            assert_eq!(
                (posted.members - set_aside, posted.debts, posted.sum()),
                (balance, -debt, 0)
            );
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let ledger = Ledger::new().await;
            let member = MemberId::generate();
            ledger.tops_up(member, 1_000).await;
            let (client, meter) = stack::metered();
            let metered = ledger.by(client);
            go_on(&metered, ledger.now, &NO_PAUSE).await.unwrap();
            stack::assert_operation("prove_ledger, of one balance", &meter.take());
            go_on(&metered, ledger.now, &NO_PAUSE).await.unwrap();
            stack::assert_operation("prove_ledger, done", &meter.take());
            ledger.write([Write::update(&BalanceKey(member)).add("balance", 1)]).await;
            go_on(&metered, ledger.now.plus(DAY), &NO_PAUSE).await.unwrap();
            stack::assert_operation("prove_ledger, of one that is broken", &meter.take());
        });
    }
}
