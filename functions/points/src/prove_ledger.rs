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
use futures::future::{join_all, try_join_all};
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
const BUDGET: Duration = Duration::from_secs(20);

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
    pub day: Day,
    begun_at: Time,
    /// Absent while it goes on.
    pub ended_at: Option<Time>,
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
        for verdict in join_all(marked).await {
            verdicts.push(verdict?);
        }
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
