//! Claimed coupons: what a member has of one, with its discount and last day as they were when it was claimed; and the steps that a
//! purchase takes with it.

use std::time::Duration;

use domain::{
    coupon::{ClaimState, Discount},
    fault::{Code, Fault},
    id::{ClaimId, CouponId, MemberId, PaymentId},
    time::{Day, Time},
};
use serde::{Deserialize, Serialize};

use super::coupon::{Coupon, CouponKey, NotClaimed, ROUNDS, contended};
use crate::{
    Compare, Index, Page, Query, Rejected, Start, Store, StoreFault, Table, Transaction, Write,
    codes, ephemeral::idempotency::LEASE, identity::session::SignedIn,
};

key!(
    /// Where a claim stands, beside the member's others: in the order in which they were claimed.
    #[derive(Copy)]
    pub struct ClaimKey {
        /// Whose.
        member_id: MemberId,
        /// The claim.
        id: ClaimId,
    } => Claim in Sales, pk("{}", partition(*member_id)), sk("CLM#{id}")
);

/// What a member has of a coupon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Its id: what is spent.
    pub id: ClaimId,
    /// The coupon.
    pub coupon_id: CouponId,
    /// What it takes off.
    pub discount: Discount,
    /// The last day on which it is spent.
    pub expires_on: Day,
    /// How it stands, but for the clock: readers take [`Claim::state_at`].
    state: ClaimState,
    /// The purchase that holds it, or spent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
}

key!(
    /// Where it is told that a member has claimed a coupon: it is the guard of one a member.
    #[derive(Copy)]
    pub struct ClaimedKey {
        /// Who.
        member_id: MemberId,
        /// The coupon.
        coupon_id: CouponId,
    } => Claimed in Sales, pk("{}", partition(*member_id)), sk("CPN#{coupon_id}")
);

/// That a member has claimed a coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claimed {
    claim_id: ClaimId,
}

fn partition(member_id: MemberId) -> String {
    format!("MEM#{member_id}#CLM")
}

impl ClaimedKey {
    /// Of a caller whose session is read together with it.
    pub fn of(caller: &SignedIn, coupon_id: CouponId) -> Self {
        Self { member_id: caller.member_id(), coupon_id }
    }
}

impl Claim {
    fn on(coupon: &Coupon) -> Self {
        Self {
            id: ClaimId::generate(),
            coupon_id: coupon.id,
            discount: coupon.discount,
            expires_on: coupon.expires_on,
            state: ClaimState::Usable,
            payment_id: None,
        }
    }

    /// The state as a reader has to take it.
    pub fn state_at(&self, now: Time) -> ClaimState {
        self.state.at(self.expires_on, now)
    }
}

impl ClaimKey {
    /// Of a buyer whose session is read together with it.
    pub fn of(buyer: &SignedIn, id: ClaimId) -> Self {
        Self { member_id: buyer.member_id(), id }
    }

    /// Holds the claim for a purchase, unless it is not usable, or its last day is over.
    pub fn hold(&self, payment_id: PaymentId, now: Time) -> Write {
        Write::update(self)
            .set("state", ClaimState::Held)
            .set("paymentId", payment_id)
            .when("state", Compare::Equal, ClaimState::Usable)
            // Days that are written in full sort as texts do.
            .when("expiresOn", Compare::AtLeast, now.korean_day())
    }

    /// Gives it back when its purchase ends unpaid.
    pub fn release(&self, payment_id: PaymentId) -> Write {
        self.moved(payment_id, ClaimState::Held, ClaimState::Usable).remove("paymentId")
    }

    /// Spends it when its purchase is paid.
    pub fn spend(&self, payment_id: PaymentId) -> Write {
        self.moved(payment_id, ClaimState::Held, ClaimState::Used)
    }

    /// Gives it back when all of its purchase is refunded. It may have expired meanwhile, and then stays of no use.
    pub fn give_back(&self, payment_id: PaymentId) -> Write {
        self.moved(payment_id, ClaimState::Used, ClaimState::Usable).remove("paymentId")
    }

    /// Fails when the claim is not in that state, or another purchase's.
    fn moved(&self, payment_id: PaymentId, from: ClaimState, to: ClaimState) -> Write {
        Write::update(self).set("state", to).when("state", Compare::Equal, from).when(
            "paymentId",
            Compare::Equal,
            payment_id,
        )
    }
}

/// What came of it that somebody claimed a coupon.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// They have it now.
    New(Claim),
    /// They had it already.
    There(Claim),
}

/// What ends a transaction that claims.
#[derive(Clone, Copy)]
enum Unmet {
    AnotherRun,
    Claimed,
    Quota,
}

/// Why there is no claim.
#[derive(Debug, thiserror::Error)]
pub enum ClaimFault {
    /// The coupon is not to be had.
    #[error(transparent)]
    Not(#[from] NotClaimed),
    /// Another run of the same request is at it.
    #[error("another run is at it")]
    AnotherRun,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Fault for ClaimFault {
    fn code(&self) -> Code {
        match self {
            Self::Not(reason) => reason.code(),
            Self::AnotherRun => codes::IDEMPOTENCY_IN_PROGRESS,
            Self::Store(fault) => fault.code(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Not(_) => None,
            Self::AnotherRun => Some(LEASE),
            Self::Store(fault) => fault.retry_after(),
        }
    }
}

impl Store {
    /// Claims a coupon, as it was just read, for a member, in one transaction with what `finishing` makes of the claim.
    ///
    /// Any shard is tried; when that has none left, all are read, and only when all of them are empty, and the coupon still is as it
    /// was before they were read, it is gone.
    ///
    /// # Errors
    /// [`ClaimFault`].
    pub async fn claim(
        &self,
        member_id: MemberId,
        mut coupon: Coupon,
        finishing: impl Fn(&Claim) -> Write,
        now: Time,
    ) -> Result<Outcome, ClaimFault> {
        let guard = ClaimedKey { member_id, coupon_id: coupon.id };
        let mut shard = coupon.any_shard();
        for _ in 0..ROUNDS {
            coupon.can_be_claimed(now)?;
            let claim = Claim::on(&coupon);
            let key = ClaimKey { member_id, id: claim.id };
            let claiming = Transaction::new()
                .require(finishing(&claim), Unmet::AnotherRun)
                .require(Write::create(&guard, &Claimed { claim_id: claim.id }), Unmet::Claimed)
                .require(coupon.take_from(shard), Unmet::Quota)
                .also(Write::create(&key, &claim));
            match self.transact(claiming).await {
                Ok(()) => return Ok(Outcome::New(claim)),
                Err(Rejected::Store(fault)) => return Err(fault.into()),
                Err(Rejected::Condition(Unmet::AnotherRun)) => return Err(ClaimFault::AnotherRun),
                Err(Rejected::Condition(Unmet::Claimed)) => {
                    let claimed = self.get(&guard).await?.ok_or_else(contended)?;
                    return Ok(Outcome::There(self.claim_of(member_id, claimed).await?));
                }
                Err(Rejected::Condition(Unmet::Quota)) => {}
            }
            let shards = self.quota(&coupon).await?;
            let is_same = shards.iter().all(|shard| shard.version == coupon.version);
            let with_some = shards.iter().filter(|shard| shard.free > 0);
            match fastrand::choice(with_some.collect::<Vec<_>>()) {
                Some(found) if is_same => shard = found.number,
                None if is_same && self.note_gone(&coupon).await? => {
                    return Err(NotClaimed::Gone.into());
                }
                _ => {
                    coupon = self.get(&CouponKey(coupon.id)).await?.ok_or(NotClaimed::NotFound)?;
                    shard = coupon.any_shard();
                }
            }
        }
        Err(contended().into())
    }

    /// The claim that a member has on a coupon.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claim_of(
        &self,
        member_id: MemberId,
        Claimed { claim_id: id }: Claimed,
    ) -> Result<Claim, StoreFault> {
        // The two are made in one transaction.
        self.get(&ClaimKey { member_id, id }).await?.ok_or_else(contended)
    }

    /// A member's claims, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claims_of(
        &self,
        member_id: MemberId,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Claim>, StoreFault> {
        let query = Query::new(Index::of(Table::Sales), partition(member_id), limit);
        self.query(query.beginning("CLM#").backwards().after(start)).await
    }
}
