//! Points: members' balances, and the transfers that they are the sums of.

use domain::{
    id::{MemberId, PaymentId, TransferId},
    points::{Account, Kind, State, Transfer},
    time::Time,
    won::Won,
};
use serde::{Deserialize, Serialize};

use crate::Write;

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
    /// Where a member's transfer stands: beside the balance.
    #[derive(Copy)]
    pub struct TransferKey {
        /// Whose points moved.
        member_id: MemberId,
        /// The transfer.
        id: TransferId,
    } => Entry in Sales, pk("MEM#{member_id}#POINTS"), sk("TRF#{id}")
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
    let key = TransferKey { member_id, id: transfer.id };
    let entry = Entry { transfer, payment_id: Some(payment_id), created_at: now };
    let points = i64::try_from(amount.get()).unwrap_or(i64::MAX);
    vec![Write::create(&key, &entry), Write::update(&BalanceKey(member_id)).add("balance", points)]
}
