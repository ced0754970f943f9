//! The nightly proof of the ledger: that each member's balance is the sum of its transfers, and that all accounts together are zero.
//!
//! How far it is stands in one item, which is its report once it is done. A worker that dies leaves the pages that it was at to the
//! next, and of two who are at the same pages, only one goes on from there.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    id::MemberId,
    points::{Account, Discrepancy, State, Transfer},
    time::{Day, Time},
    won::Won,
};
use serde::{Deserialize, Serialize};

use super::points::{Balance, Entry};
use crate::{
    Compare, Index, Query, Start, Store, StoreFault, Table, Ttl, Write, fault::Effect,
    read::Attributes, was_done,
};

const SALES: Index = Index::of(Table::Sales);

/// In so many segments the table is read, side by side.
const SEGMENTS: u16 = 8;

/// So many items of a segment are looked at at once, whatever they are.
const AT_ONCE: i32 = 500;

/// So many discrepancies are named; all are counted.
const NAMED: usize = 50;

/// How long a report is kept.
const KEPT: Duration = Duration::from_hours(400 * 24);

const PARTITION: &str = "LEDGER";

key!(
    /// Where the proof of a day stands.
    #[derive(Copy)]
    pub struct ProofKey(day: Day) => Proof in Sales, pk("{PARTITION}"), sk("PROOF#{day}")
);

/// A proof of the ledger: how far it is, and what it has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// Of which day.
    pub day: Day,
    /// What is still to be read.
    pub segments: Vec<Segment>,
    /// What it has found so far.
    pub found: Found,
    /// What is wrong: the first of it.
    pub broken: Vec<Broken>,
    /// When it began.
    #[serde(with = "domain::time::millis")]
    pub begun_at: Time,
    /// When all was read.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "domain::time::optional_millis"
    )]
    pub ended_at: Option<Time>,
    /// Rises with each change; every change checks it.
    pub version: u64,
    expires_at: Ttl,
}

/// A part of the table that is not read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    number: u16,
    /// The item after which the next page starts; none at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Start>,
}

/// What a proof has found, in points; a ledger that moves meanwhile is counted as each page of it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Members' balances: how many.
    pub balances: u64,
    /// What can be spent of them.
    pub balance: i64,
    /// How much of that was bought.
    pub bought: i64,
    /// What members owe.
    pub debt: i64,
    /// Transfers: how many.
    pub transfers: u64,
    /// What is set aside, and not yet anybody else's.
    pub set_aside: i64,
    /// What the posted transfers come to, by the accounts that find them.
    pub posted: Totals,
    /// What is wrong: how much of it.
    pub broken: u64,
    /// Balances that changed at each look: the next proof sees to them.
    pub unsettled: u64,
    /// Members with transfers that only a newer program knows.
    pub newer: u64,
}

/// A sum for each kind of account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Members' points.
    pub members: i64,
    /// What artists have earned.
    pub artists: i64,
    /// What members owe, below zero.
    pub debts: i64,
    /// The shop's cash.
    pub platform: i64,
    /// What the shop gave away.
    pub promotion: i64,
    /// Of accounts that only a newer program knows.
    pub unknown: i64,
}

/// What is wrong with the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Broken {
    /// What is wrong.
    pub discrepancy: Discrepancy,
    /// Whose points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_id: Option<MemberId>,
    /// The item, where it is one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Place>,
}

/// Where an item stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its partition key.
    pub pk: String,
    /// Its sort key.
    pub sk: String,
}

/// Something that a page has of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A member's balance.
    Balance(MemberId, Balance),
    /// A transfer.
    Transfer {
        /// What moved.
        transfer: Transfer,
        /// Those of its two accounts that find it where it stands.
        found_by: Vec<Account>,
        /// Where that is.
        place: Place,
    },
    /// What should be one of them.
    Unreadable(Place),
}

impl Totals {
    /// All of them together: zero, if each transfer is found by both its accounts.
    pub fn sum(&self) -> i64 {
        let Self { members, artists, debts, platform, promotion, unknown } = *self;
        let all = [members, artists, debts, platform, promotion, unknown];
        all.into_iter().fold(0, i64::saturating_add)
    }

    fn of(&mut self, account: Account) -> &mut i64 {
        match account {
            Account::Member(_) => &mut self.members,
            Account::Artist(_) => &mut self.artists,
            Account::Debt(_) => &mut self.debts,
            Account::Platform => &mut self.platform,
            Account::Promotion => &mut self.promotion,
            Account::Unknown => &mut self.unknown,
        }
    }
}

impl Found {
    /// Counts a balance.
    pub fn count_balance(&mut self, balance: Balance) {
        self.balances += 1;
        for (sum, part) in [
            (&mut self.balance, balance.balance),
            (&mut self.bought, balance.bought),
            (&mut self.debt, balance.debt),
        ] {
            *sum = sum.saturating_add(signed(part));
        }
    }

    /// Counts a transfer, for those of its accounts that find it.
    pub fn count_transfer(&mut self, transfer: &Transfer, found_by: &[Account]) {
        let amount = signed(transfer.amount);
        self.transfers += 1;
        match transfer.state {
            State::Voided => {}
            State::Pending | State::Unknown => {
                self.set_aside = self.set_aside.saturating_add(amount);
            }
            State::Posted => {
                for account in found_by {
                    let sum = self.posted.of(*account);
                    let to = if transfer.to == *account { amount } else { 0 };
                    let from = if transfer.from == *account { amount } else { 0 };
                    *sum = sum.saturating_add(to).saturating_sub(from);
                }
            }
        }
    }
}

impl Proof {
    /// At its beginning.
    pub fn new(day: Day, now: Time) -> Self {
        Self {
            day,
            segments: (0..SEGMENTS).map(|number| Segment { number, after: None }).collect(),
            found: Found::default(),
            broken: Vec::new(),
            begun_at: now,
            ended_at: None,
            version: 1,
            expires_at: Ttl::at(now.plus(KEPT)),
        }
    }

    /// With one more discrepancy.
    pub fn breaks(&mut self, broken: Broken) {
        self.found.broken += 1;
        if self.broken.len() < NAMED {
            self.broken.push(broken);
        }
    }
}

impl Kept {
    fn of(item: Attributes) -> Self {
        let text = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let (pk, sk) = (text("pk").unwrap_or_default(), text("sk").unwrap_or_default());
        let place = Place { pk, sk };
        let member = place.pk.strip_prefix("MEM#").and_then(|rest| rest.strip_suffix("#POINTS"));
        if place.sk == "BALANCE" {
            let member = member.and_then(|id| id.parse().ok());
            let balance = serde_dynamo::from_item(item).ok();
            return match member.zip(balance) {
                Some((member, balance)) => Self::Balance(member, balance),
                None => Self::Unreadable(place),
            };
        }
        match serde_dynamo::from_item::<_, Entry>(item) {
            Ok(entry) => {
                let found_by = entry.found_by((&place.pk, &place.sk));
                Self::Transfer { transfer: entry.transfer, found_by, place }
            }
            Err(_) => Self::Unreadable(place),
        }
    }
}

/// As it is summed. No amount is near the limit.
fn signed(amount: Won) -> i64 {
    i64::try_from(amount.get()).unwrap_or(i64::MAX)
}

impl Store {
    /// The newest proof that there is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn newest_proof(&self) -> Result<Option<Proof>, StoreFault> {
        let query = Query::new(SALES, PARTITION.to_owned(), 1).beginning("PROOF#").backwards();
        Ok(self.query(query).await?.items.pop())
    }

    /// Writes how far a proof has come, unless somebody else did meanwhile: then it says `false`. The first that is written is what
    /// `before` is none for.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn proof_goes_on(
        &self,
        before: Option<&Proof>,
        after: &mut Proof,
    ) -> Result<bool, StoreFault> {
        let key = ProofKey(after.day);
        let write = match before {
            None => Write::create(&key, after),
            Some(before) => {
                after.version = before.version + 1;
                let write = Write::change(&key, before, after);
                write.when("version", Compare::Equal, before.version)
            }
        };
        was_done(self.write(write, ()).await)
    }

    /// What the next page of a segment has of the ledger, and what is then left of the segment. A page may be empty though others follow.
    ///
    /// It reads the whole table in the end, so it is **never** for a request.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ledger(
        &self,
        segment: &Segment,
    ) -> Result<(Vec<Kept>, Option<Segment>), StoreFault> {
        let Segment { number, after } = segment.clone();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let scan = self.client.scan().table_name(self.name(SALES.table)).limit(AT_ONCE);
        let scan = scan.segment(number.into()).total_segments(SEGMENTS.into());
        let scan = scan.set_exclusive_start_key(after.map(Start::attributes));
        let scan = scan
            .filter_expression("sk = :balance OR begins_with(sk, :transfer)")
            .expression_attribute_values(":balance", text("BALANCE"))
            .expression_attribute_values(":transfer", text("TRF#"));
        let answer = scan.send().await.map_err(|error| StoreFault::of(error, Effect::Read))?;
        let next = answer.last_evaluated_key.as_ref().map(|last| SALES.start_after(last));
        let items = answer.items.unwrap_or_default().into_iter().map(Kept::of).collect();
        Ok((items, next.map(|next| Segment { number, after: Some(next) })))
    }
}
