//! Points: members' balances, and the transfers that they are the sums of.

use domain::{
    id::{MemberId, PaymentId, TransferId},
    points::{
        Account, Books, Kind, Move, Spent, Standing, State, Transfer, UnderReview, available,
        balance,
    },
    time::Time,
    won::Won,
};
use serde::{Deserialize, Serialize};

use super::payment::BY_MEMBER;
use crate::{
    Compare, Index, Key, Page, Query, Relaxed, Start, Store, StoreFault, Table, Write,
    identity::session::SignedIn, shard::shard_of,
};

/// Over how many partitions the transfers of the platform and of the promotions are spread: every purchase meets there.
const SHARDS: u8 = 16;

/// How many transfers are summed at once.
const PAGE: u32 = 500;

const LEDGER: Index = Index::of(Table::Sales);

key!(
    /// Where a member's balance stands.
    #[derive(Copy)]
    pub struct BalanceKey(member_id: MemberId) => Balance in Sales, pk("MEM#{member_id}#POINTS"), sk("BALANCE")
);

/// A member's points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// What can be spent.
    #[serde(default)]
    pub balance: Won,
    /// How much of it was bought.
    #[serde(default)]
    pub bought: Won,
    /// What the next earning pays first: earned points that were spent when their purchase went back.
    #[serde(default)]
    pub debt: Won,
    /// Since when it is known not to be the sum of its transfers: until that is mended, nothing of it is spent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "domain::time::optional_millis"
    )]
    pub under_review_since: Option<Time>,
}

key!(
    /// The same place, of which nothing is read but whether something is there.
    struct AnyBalanceKey(member_id: MemberId) => AnyBalance in Sales, pk("MEM#{member_id}#POINTS"), sk("BALANCE")
);

#[derive(Serialize, Deserialize)]
struct AnyBalance {}

/// What stops a balance from being spent.
const UNDER_REVIEW: &str = "underReviewSince";

impl Balance {
    /// How its member stands.
    pub fn standing(self) -> Standing {
        let Self { balance, bought, debt, .. } = self;
        Standing { balance, bought, debt }
    }

    /// Whether points of it may leave it because its member wants them to.
    ///
    /// # Errors
    /// While it is not the sum of its transfers.
    pub fn may_be_spent(self) -> Result<(), UnderReview> {
        self.under_review_since.map_or(Ok(()), |_| Err(UnderReview))
    }
}

/// Points that a purchase has set aside: they are no longer there to spend, and not spent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetAside {
    /// The transfer that waits.
    pub transfer_id: TransferId,
    /// How many of the points were bought.
    pub bought: Won,
}

impl SetAside {
    /// Spends them: a piece for the transaction in which the purchase is paid.
    pub fn post(&self) -> Write {
        self.settle(State::Posted)
    }

    /// Gives them back: pieces for the transaction in which the purchase ends unpaid.
    pub fn void(&self, member_id: MemberId, points: Won) -> [Write; 2] {
        let balance = Write::update(&BalanceKey(member_id)).add("balance", signed(points));
        [self.settle(State::Voided), balance.add("bought", signed(self.bought))]
    }

    fn settle(&self, state: State) -> Write {
        let key = TransferKey { account: Account::Platform, id: self.transfer_id };
        Write::update(&key).set("state", state).when("state", Compare::Equal, State::Pending)
    }
}

key!(
    /// Where a transfer stands: under the one of its two accounts that is less of a member's. The other finds it by `byMember`.
    #[derive(Copy)]
    pub struct TransferKey {
        /// That account.
        account: Account,
        /// The transfer.
        id: TransferId,
    } => Entry in Sales, pk("{}", partition(*account, shard_of(id, SHARDS))), sk("TRF#{id}")
);

/// A transfer as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// What moved, from where to where.
    #[serde(flatten)]
    pub transfer: Transfer,
    /// For which payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// When it was written.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    member_key: String,
    member_sort: String,
}

impl Entry {
    /// What is kept of a transfer, so that each of its accounts finds it.
    pub fn of(transfer: Transfer, payment_id: Option<PaymentId>, now: Time) -> Self {
        // Members' balances come first in the order of accounts.
        let member = transfer.from.min(transfer.to);
        let member_key = listed(member, shard_of(transfer.id, SHARDS));
        let member_sort = transfer.id.to_string();
        Self { transfer, payment_id, created_at: now, member_key, member_sort }
    }

    /// Those of its two accounts that find it, where it stands under these keys. Where accounts of a newer program keep theirs only that
    /// one knows.
    pub(crate) fn found_by(&self, keys: (&str, &str)) -> Vec<Account> {
        let Transfer { id, from, to, .. } = self.transfer;
        let (lesser, greater) = (from.min(to), from.max(to));
        let right = Self::of(self.transfer.clone(), None, self.created_at);
        let (pk, sk) = TransferKey { account: greater, id }.pair();
        let listed = (right.member_key, right.member_sort);
        let any = greater == Account::Unknown;
        let by_index = listed == (self.member_key.clone(), self.member_sort.clone());
        let found = [(lesser, any || by_index), (greater, any || keys == (&pk, &sk))];
        let mut accounts: Vec<_> =
            found.into_iter().filter_map(|(account, finds)| finds.then_some(account)).collect();
        // Points that stay where they are move once.
        accounts.dedup();
        accounts
    }

    /// Writes a new transfer: a piece for the transaction that moves the balance.
    pub fn create(&self) -> Write {
        let Transfer { id, from, to, .. } = self.transfer;
        Write::create(&TransferKey { account: from.max(to), id }, self)
    }
}

fn partition(account: Account, shard: u8) -> String {
    match account {
        Account::Member(id) => format!("MEM#{id}#TRF"),
        Account::Artist(id) => format!("MEM#{id}#EARNINGS"),
        Account::Debt(id) => format!("MEM#{id}#DEBT"),
        Account::Platform => format!("PLATFORM#{shard}"),
        Account::Promotion => format!("PROMOTION#{shard}"),
        // No transfer of ours has it.
        Account::Unknown => "UNKNOWN".to_owned(),
    }
}

/// Where the index lists what an account is the lesser of: what a member owes stands with all else of theirs.
fn listed(account: Account, shard: u8) -> String {
    match account {
        Account::Debt(id) => partition(Account::Member(id), shard),
        other => partition(other, shard),
    }
}

/// Posts what a member bought: pieces for the transaction in which it is paid.
pub fn top_up(member_id: MemberId, payment_id: PaymentId, amount: Won, now: Time) -> [Write; 2] {
    let bought = (Account::Platform, Account::Member(member_id), amount, Kind::TopUp);
    let balance = Write::update(&BalanceKey(member_id)).add("balance", signed(amount));
    [posted(bought, Some(payment_id), now).create(), balance.add("bought", signed(amount))]
}

/// Takes back what a member bought: pieces for the transaction in which it is refunded, of which one fails when the balance is no
/// longer what was read, or must not be spent. `None` when some of it was spent.
pub fn sell_back(
    member_id: MemberId,
    payment_id: PaymentId,
    amount: Won,
    read: Balance,
    now: Time,
) -> Option<[Write; 2]> {
    let after = read.standing().sells_back(amount)?;
    let sold = (Account::Member(member_id), Account::Platform, amount, Kind::TopUpRefunded);
    Some([posted(sold, Some(payment_id), now).create(), spent(member_id, read, after)])
}

/// Posts what a member who owes nothing earned by a payment: two pieces for the transaction that approves it, of which one fails
/// when they owe something. None if that is nothing.
pub fn earn(member_id: MemberId, payment_id: PaymentId, amount: Won, now: Time) -> Vec<Write> {
    if amount.is_zero() {
        return Vec::new();
    }
    let earned = (Account::Promotion, Account::Member(member_id), amount, Kind::Earned);
    let balance = Write::update(&BalanceKey(member_id)).add("balance", signed(amount));
    let balance = balance.when_absent_or("debt", Compare::Equal, Won::ZERO);
    vec![posted(earned, Some(payment_id), now).create(), balance]
}

/// The same for a member whose balance was read: what they owe is paid first. One piece fails when it is no longer that.
///
/// # Errors
/// [`StoreFault::Refused`] when a sum can't be written down.
pub fn earn_and_owe(
    member_id: MemberId,
    payment_id: PaymentId,
    amount: Won,
    read: Balance,
    now: Time,
) -> Result<Vec<Write>, StoreFault> {
    settled(member_id, payment_id, read, read.standing().earns(member_id, amount), now)
}

/// Sets points of a member aside for a payment: pieces for the transaction that holds its seats, of which one fails when the
/// balance is no longer what was read, or must not be spent. `None` when there are not so many.
pub fn set_aside(
    member_id: MemberId,
    payment_id: PaymentId,
    points: Won,
    read: Balance,
    now: Time,
) -> Option<(SetAside, [Write; 2])> {
    let (after, Spent { bought, .. }) = read.standing().spends(points)?;
    let used = (Account::Member(member_id), Account::Platform, points, Kind::Used);
    let used = entry(used, State::Pending, Some(payment_id), now);
    let set_aside = SetAside { transfer_id: used.transfer.id, bought };
    Some((set_aside, [used.create(), spent(member_id, read, after)]))
}

/// A purchase goes back: its points return, and what it earned is taken back, or owed. Pieces for the transaction in which it
/// does, of which one fails when the balance is no longer what was read.
///
/// # Errors
/// [`StoreFault::Refused`] when a sum can't be written down.
pub fn give_back(
    member_id: MemberId,
    payment_id: PaymentId,
    returned: Spent,
    taken: Won,
    read: Balance,
    now: Time,
) -> Result<Vec<Write>, StoreFault> {
    let after = read.standing().refunded(member_id, returned, taken);
    settled(member_id, payment_id, read, after, now)
}

fn settled(
    member_id: MemberId,
    payment_id: PaymentId,
    read: Balance,
    after: Option<(Standing, Vec<Move>)>,
    now: Time,
) -> Result<Vec<Write>, StoreFault> {
    let too_large = || StoreFault::Refused("a balance is too large".into());
    let (after, moves) = after.ok_or_else(too_large)?;
    let moves = moves.into_iter().map(|it| posted(it, Some(payment_id), now).create());
    Ok(moves.chain([stands(member_id, read, after)]).collect())
}

/// Writes how a member stands who takes points out of their balance.
fn spent(member_id: MemberId, read: Balance, after: Standing) -> Write {
    stands(member_id, read, after).when_absent(UNDER_REVIEW)
}

/// Writes how a member stands, if they still stand as it was read.
fn stands(member_id: MemberId, read: Balance, after: Standing) -> Write {
    let Standing { balance, bought, debt } = after;
    let write = if_still(member_id, read);
    write.set("balance", balance).set("bought", bought).set("debt", debt)
}

/// A change of a balance that is still as it was read.
fn if_still(member_id: MemberId, read: Balance) -> Write {
    let Standing { balance, bought, debt } = read.standing();
    let all = [("balance", balance), ("bought", bought), ("debt", debt)];
    all.into_iter().fold(Write::update(&BalanceKey(member_id)), |write, (name, was)| match was {
        // An absent one reads as nothing.
        Won::ZERO => write.when_absent_or(name, Compare::Equal, was),
        was => write.when(name, Compare::Equal, was),
    })
}

/// Stops a member's points from being spent, or lets them be spent again, if the balance is there and still as it was read.
pub fn review(member_id: MemberId, read: Balance, since: Option<Time>) -> Write {
    let write = if_still(member_id, read).when_present("pk");
    match since {
        Some(since) => write.set(UNDER_REVIEW, since.millis()),
        None => write.remove(UNDER_REVIEW),
    }
}

fn posted(moved: Move, payment_id: Option<PaymentId>, now: Time) -> Entry {
    entry(moved, State::Posted, payment_id, now)
}

fn entry(
    (from, to, amount, kind): Move,
    state: State,
    payment_id: Option<PaymentId>,
    now: Time,
) -> Entry {
    let id = TransferId::generate();
    Entry::of(Transfer { id, from, to, amount, kind, state }, payment_id, now)
}

/// As a counter takes it. No balance is near the limit.
fn signed(amount: Won) -> i64 {
    i64::try_from(amount.get()).unwrap_or(i64::MAX)
}

/// Leaves a member's points to the shop: the transfer, if they have any, and what fails when that is no longer their balance, for
/// the transaction in which the member leaves.
pub fn forfeit(member_id: MemberId, balance: Won, now: Time) -> (Option<Write>, Write) {
    let key = BalanceKey(member_id);
    if balance.is_zero() {
        return (None, Write::check(&key).when_absent_or("balance", Compare::Equal, balance));
    }
    let left = (Account::Member(member_id), Account::Platform, balance, Kind::Forfeited);
    let taking = Write::update(&key).set("balance", Won::ZERO).set("bought", Won::ZERO);
    let taking = taking.when("balance", Compare::Equal, balance);
    (Some(posted(left, None, now).create()), taking)
}

/// What the transfers of an account come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Those that are done.
    pub posted: i128,
    /// The same without what is set aside.
    pub available: i128,
}

impl BalanceKey {
    /// Of a caller whose session is read together with it.
    pub fn of(caller: &SignedIn) -> Self {
        Self(caller.member_id())
    }
}

impl Store {
    /// A member's transfers, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn transfers_of(
        &self,
        member_id: MemberId,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Entry>, StoreFault> {
        let partition = partition(Account::Member(member_id), 0);
        self.query(Query::new(BY_MEMBER, partition, limit).backwards().after(start)).await
    }

    /// The points of an account by its transfers, however many they are. A stored balance has to equal what of them is available; all
    /// accounts together are zero.
    ///
    /// # Errors
    /// When the database does not answer, or an item can't be read.
    pub async fn sum_of(&self, account: Account) -> Result<Sum, StoreFault> {
        let shards = match account {
            Account::Member(_) | Account::Artist(_) | Account::Debt(_) => 1,
            Account::Platform | Account::Promotion => SHARDS,
            Account::Unknown => 0,
        };
        let mut sum = Sum::default();
        for shard in 0..shards {
            self.each_of(account, shard, |transfer| {
                sum.posted += balance(account, [transfer]);
                sum.available += available(account, [transfer]);
            })
            .await?;
        }
        Ok(sum)
    }

    /// Those of some members, at most 100, who have no balance, which may be a second old.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn without_balance(&self, members: &[MemberId]) -> Result<Vec<MemberId>, StoreFault> {
        let keys: Vec<_> = members.iter().map(|id| Relaxed(AnyBalanceKey(*id))).collect();
        let found = self.read_all(&keys).await?;
        let without = members.iter().zip(found).filter(|(_, found)| found.is_none());
        Ok(without.map(|(member, _)| *member).collect())
    }

    /// What a member's transfers say of how they stand, however many they are. The newest may be missing: an index is a moment behind.
    ///
    /// # Errors
    /// When the database does not answer, or an item can't be read.
    pub async fn books_of(&self, member_id: MemberId) -> Result<Books, StoreFault> {
        let mut books = Books::default();
        let count = |transfer: &Transfer| books.count(member_id, transfer);
        self.each_of(Account::Member(member_id), 0, count).await?;
        Ok(books)
    }

    /// Every transfer that an account finds in one of its shards; a member's with those of what they owe.
    async fn each_of(
        &self,
        account: Account,
        shard: u8,
        mut each: impl FnMut(&Transfer),
    ) -> Result<(), StoreFault> {
        let (own, listed) = (partition(account, shard), listed(account, shard));
        let mut queries = vec![Query::new(BY_MEMBER, listed.clone(), PAGE)];
        // What a member owes is listed whole; of the others, what they are the greater of stands under their own key.
        if own == listed {
            queries.push(Query::new(LEDGER, own, PAGE));
        }
        for mut query in queries {
            loop {
                let page = self.page(query.clone()).await?;
                for entry in page.items {
                    each(&serde_dynamo::from_item::<_, Entry>(entry)?.transfer);
                }
                let Some(next) = page.next else { break };
                query = query.after(Some(next));
            }
        }
        Ok(())
    }
}
