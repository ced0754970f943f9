//! Points: members' balances, and the transfers that they are the sums of.

use domain::{
    id::{MemberId, PaymentId, TransferId},
    points::{Account, Kind, Move, Spent, Standing, State, Transfer, available, balance},
    time::Time,
    won::Won,
};
use serde::{Deserialize, Serialize};

use super::payment::BY_MEMBER;
use crate::{
    Compare, Index, Page, Query, Start, Store, StoreFault, Table, Write,
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
}

impl Balance {
    fn standing(self) -> Standing {
        let Self { balance, bought, debt } = self;
        Standing { balance, bought, debt }
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
/// longer what was read. `None` when some of it was spent.
pub fn sell_back(
    member_id: MemberId,
    payment_id: PaymentId,
    amount: Won,
    read: Balance,
    now: Time,
) -> Option<[Write; 2]> {
    let after = read.standing().sells_back(amount)?;
    let sold = (Account::Member(member_id), Account::Platform, amount, Kind::TopUpRefunded);
    Some([posted(sold, Some(payment_id), now).create(), stands(member_id, read, after)])
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
/// balance is no longer what was read. `None` when there are not so many.
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
    Some((set_aside, [used.create(), stands(member_id, read, after)]))
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

/// Writes how a member stands, if they still stand as it was read.
fn stands(member_id: MemberId, read: Balance, after: Standing) -> Write {
    let Standing { balance, bought, debt } = after;
    let all = [
        ("balance", read.balance, balance),
        ("bought", read.bought, bought),
        ("debt", read.debt, debt),
    ];
    all.into_iter().fold(Write::update(&BalanceKey(member_id)), |write, (name, was, is)| {
        let write = write.set(name, is);
        match was {
            // An absent one reads as nothing.
            Won::ZERO => write.when_absent_or(name, Compare::Equal, was),
            was => write.when(name, Compare::Equal, was),
        }
    })
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
            let (own, listed) = (partition(account, shard), listed(account, shard));
            let mut queries = vec![Query::new(BY_MEMBER, listed.clone(), PAGE)];
            // What a member owes is listed whole; of the others, what they are the greater of stands under their own key.
            if own == listed {
                queries.push(Query::new(LEDGER, own, PAGE));
            }
            for mut query in queries {
                loop {
                    let page = self.page(query.clone()).await?;
                    let entries = page.items.into_iter().map(serde_dynamo::from_item);
                    let entries = entries.collect::<Result<Vec<Entry>, _>>()?;
                    let transfers = || entries.iter().map(|entry| &entry.transfer);
                    sum.posted += balance(account, transfers());
                    sum.available += available(account, transfers());
                    let Some(next) = page.next else { break };
                    query = query.after(Some(next));
                }
            }
        }
        Ok(sum)
    }
}
