//! Points: members' balances, and the transfers that they are the sums of.

use domain::{
    id::{MemberId, PaymentId, TransferId},
    points::{Account, Kind, State, Transfer, balance},
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
        let member_key = partition(member, shard_of(transfer.id, SHARDS));
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
        Account::Platform => format!("PLATFORM#{shard}"),
        Account::Promotion => format!("PROMOTION#{shard}"),
        // No transfer of ours has it.
        Account::Unknown => "UNKNOWN".to_owned(),
    }
}

/// Posts what a member earned by a payment: two pieces for the transaction that approves it, none if that is nothing.
pub fn earn(member_id: MemberId, payment_id: PaymentId, amount: Won, now: Time) -> Vec<Write> {
    if amount.is_zero() {
        return Vec::new();
    }
    let (from, to) = (Account::Promotion, Account::Member(member_id));
    let transfer = Transfer {
        id: TransferId::generate(),
        from,
        to,
        amount,
        kind: Kind::Earned,
        state: State::Posted,
    };
    let entry = Entry::of(transfer, Some(payment_id), now);
    let points = i64::try_from(amount.get()).unwrap_or(i64::MAX);
    vec![entry.create(), Write::update(&BalanceKey(member_id)).add("balance", points)]
}

/// Leaves a member's points to the shop: the transfer, if they have any, and what fails when that is no longer their balance, for
/// the transaction in which the member leaves.
pub fn forfeit(member_id: MemberId, balance: Won, now: Time) -> (Option<Write>, Write) {
    let key = BalanceKey(member_id);
    if balance.is_zero() {
        return (None, Write::check(&key).when_absent_or("balance", Compare::Equal, balance));
    }
    let (from, to) = (Account::Member(member_id), Account::Platform);
    let transfer = Transfer {
        id: TransferId::generate(),
        from,
        to,
        amount: balance,
        kind: Kind::Forfeited,
        state: State::Posted,
    };
    let taking = Write::update(&key).set("balance", Won::ZERO);
    let taking = taking.when("balance", Compare::Equal, balance);
    (Some(Entry::of(transfer, None, now).create()), taking)
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

    /// The points of an account by its posted transfers, however many they are: what a stored balance has to equal. All accounts
    /// together are zero.
    ///
    /// # Errors
    /// When the database does not answer, or an item can't be read.
    pub async fn sum_of(&self, account: Account) -> Result<i128, StoreFault> {
        let shards = match account {
            Account::Member(_) | Account::Artist(_) => 1,
            Account::Platform | Account::Promotion => SHARDS,
            Account::Unknown => 0,
        };
        let mut sum = 0;
        for shard in 0..shards {
            for index in [LEDGER, BY_MEMBER] {
                let mut query = Query::new(index, partition(account, shard), PAGE);
                loop {
                    let page = self.page(query.clone()).await?;
                    let entries = page.items.into_iter().map(serde_dynamo::from_item);
                    let entries = entries.collect::<Result<Vec<Entry>, _>>()?;
                    sum += balance(account, entries.iter().map(|entry| &entry.transfer));
                    let Some(next) = page.next else { break };
                    query = query.after(Some(next));
                }
            }
        }
        Ok(sum)
    }
}
