//! Points: a double-entry ledger. What leaves one account reaches another, so all balances together are always zero.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::{self, Fault};
use crate::id::{MemberId, TransferId};
use crate::invalid::Invalid;
use crate::won::Won;

/// Where points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Account {
    /// A member's balance, the only kind that is stored and never below zero. The others are sums of transfers.
    Member(MemberId),
    /// What an artist has earned and was not settled yet.
    Artist(MemberId),
    /// The shop's cash: below zero by what members bought and did not spend.
    Platform,
    /// What the shop gives away: below zero by what it gave.
    Promotion,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(id) => write!(f, "MEMBER#{id}"),
            Self::Artist(id) => write!(f, "ARTIST#{id}"),
            Self::Platform => f.write_str("PLATFORM"),
            Self::Promotion => f.write_str("PROMOTION"),
        }
    }
}

impl FromStr for Account {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.split_once('#') {
            Some(("MEMBER", id)) => id.parse().map(Self::Member),
            Some(("ARTIST", id)) => id.parse().map(Self::Artist),
            None if text == "PLATFORM" => Ok(Self::Platform),
            None if text == "PROMOTION" => Ok(Self::Promotion),
            _ => Err(Invalid::Format { expected: "PLATFORM" }),
        }
    }
}

impl TryFrom<String> for Account {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Account> for String {
    fn from(account: Account) -> Self {
        account.to_string()
    }
}

choice!(
    /// Why points move.
    Kind {
        /// Bought through KakaoPay.
        TopUp = "TOP_UP",
        /// Half a percent of the cash part of a purchase.
        Earned = "EARNED",
        /// What was earned on cash that went back.
        EarnedTakenBack = "EARNED_TAKEN_BACK",
        /// Spent at a purchase.
        Used = "USED",
        /// Back from a refunded purchase.
        Returned = "RETURNED",
        /// An artist's earnings of a month.
        Settled = "SETTLED",
        /// Bought points given back for money.
        TopUpRefunded = "TOP_UP_REFUNDED",
        /// Left behind by a deleted account.
        Forfeited = "FORFEITED",
    }
);

choice!(
    /// Whether a transfer counts.
    State {
        /// Set aside: no longer there to spend, not yet anyone else's.
        Pending = "PENDING",
        /// Done.
        Posted = "POSTED",
        /// Called off, as if it had never been.
        Voided = "VOIDED",
    }
);

/// Points on their way from one account to another. Nothing but its state ever changes, and that once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// The account it leaves.
    pub from: Account,
    /// The account it reaches.
    pub to: Account,
    /// How many points; one is one won.
    pub amount: Won,
    /// Why.
    pub kind: Kind,
    /// Whether it counts.
    pub state: State,
}

impl Transfer {
    /// Makes it count.
    ///
    /// # Errors
    /// When it is no longer pending.
    pub fn post(self) -> Result<Self, IllegalTransfer> {
        self.settle(State::Posted)
    }

    /// Calls it off.
    ///
    /// # Errors
    /// When it is no longer pending.
    pub fn void(self) -> Result<Self, IllegalTransfer> {
        self.settle(State::Voided)
    }

    fn settle(self, state: State) -> Result<Self, IllegalTransfer> {
        if self.state != State::Pending {
            return Err(IllegalTransfer { id: self.id, state: self.state });
        }
        Ok(Self { state, ..self })
    }
}

/// The points of an account by its posted transfers. Below zero only where points come from.
pub fn balance<'a>(account: Account, transfers: impl IntoIterator<Item = &'a Transfer>) -> i128 {
    let posted = transfers.into_iter().filter(|transfer| transfer.state == State::Posted);
    posted.map(|transfer| transfer.change_of(account)).sum()
}

/// The points that can be spent: the balance without what is set aside. What is still on its way in does not count.
pub fn available<'a>(account: Account, transfers: impl IntoIterator<Item = &'a Transfer>) -> i128 {
    let changes = transfers.into_iter().map(|transfer| match transfer.state {
        State::Posted => transfer.change_of(account),
        State::Pending => transfer.change_of(account).min(0),
        State::Voided => 0,
    });
    changes.sum()
}

impl Transfer {
    fn change_of(&self, account: Account) -> i128 {
        let amount = i128::from(self.amount.get());
        i128::from(self.to == account) * amount - i128::from(self.from == account) * amount
    }
}

/// What a purchase earns: 0.5 % of the cash part, rounded down.
pub fn earned(cash: Won) -> Won {
    Won::new(cash.get() / 200)
}

/// What is taken back when cash goes back, so that what is left is what the kept cash earns. `None` when more goes back than
/// there was.
pub fn taken_back(cash: Won, refunded: Won) -> Option<Won> {
    let kept = cash.checked_sub(refunded)?;
    earned(cash).checked_sub(earned(kept))
}

/// A transfer that is already posted or voided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the transfer {id} is already {state}")]
pub struct IllegalTransfer {
    /// Which one.
    pub id: TransferId,
    /// Where it stands.
    pub state: State,
}

impl Fault for IllegalTransfer {
    fn kind(&self) -> fault::Kind {
        fault::Kind::Conflict
    }

    fn code(&self) -> &'static str {
        "TRANSFER_STATE"
    }
}
