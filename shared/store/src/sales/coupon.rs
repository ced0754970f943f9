//! Coupons as they are offered: terms, a guard for the code, and the quota, spread over shards like stock.
//!
//! Each shard repeats the version of the terms that it belongs to. So whoever claims looks at one shard alone, and every change of the
//! terms, which writes all shards, is seen by everybody who claims.

use domain::{
    coupon::{CouponCode, Discount, Quota, is_good},
    fault::{Code, Fault},
    id::CouponId,
    stock::{Shard, evenly, shards_for, take},
    time::{Day, Time},
};
use serde::{Deserialize, Serialize};

use crate::{
    Compare, Index, Page, Query, Rejected, Relaxed, Start, Store, StoreFault, Table, Transaction,
    Write, codes, was_done,
};

#[cfg(test)]
mod tests;

/// How often what somebody else changed meanwhile is read again before we say that we can't keep up.
pub(super) const ROUNDS: usize = 20;

/// Of all coupons: there are few, and they are read by key or listed.
const PARTITION: &str = "COUPONS";

key!(
    /// Where a coupon stands.
    #[derive(Copy)]
    pub struct CouponKey(id: CouponId) => Coupon in Sales, pk("{PARTITION}"), sk("CPN#{id}")
);

/// So many won off a purchase, for so many members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Coupon {
    /// Its id.
    pub id: CouponId,
    /// The code that claims it, too.
    pub code: CouponCode,
    /// What it takes off.
    pub discount: Discount,
    /// How many may claim it.
    pub quota: Quota,
    /// The last day on which it is claimed, and spent by whoever claimed it until this is another.
    pub expires_on: Day,
    /// Over how many shards the quota is spread: never fewer than before.
    shards: u16,
    /// Whether no shard has any left. Only another quota brings some back, and that is another version: so this is no hint.
    #[serde(default)]
    pub gone: bool,
    /// When it was withdrawn: nobody claims it any more.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub withdrawn_at: Option<Time>,
    /// Rises with each change; every change checks it, and so does every claim.
    pub(super) version: u64,
    /// When it was made.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    /// When it was changed last.
    #[serde(with = "domain::time::millis")]
    pub updated_at: Time,
}

key!(
    /// Where it is told that a coupon is on offer: in the order of the last days.
    #[derive(Copy)]
    struct OfferKey {
        /// The coupon's last day.
        expires_on: Day,
        /// The coupon.
        coupon_id: CouponId,
    } => Offer in Sales, pk("{PARTITION}"), sk("ENDS#{expires_on}#{coupon_id}")
);

/// Names a coupon that was not withdrawn.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    coupon_id: CouponId,
}

key!(
    /// Where a code stands: there is one coupon of it.
    pub struct CodeKey(code: CouponCode) => CodeOf in Sales, pk("COUPON#{}", code.as_str()), sk("CODE")
);

/// Which coupon a code is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeOf {
    /// The coupon.
    pub coupon_id: CouponId,
}

key!(
    /// Where a shard of a quota stands: each has a partition of its own.
    #[derive(Copy)]
    pub(super) struct QuotaKey {
        /// Whose quota.
        coupon_id: CouponId,
        /// Which shard, from 0.
        number: u16,
    } => QuotaShard in Sales, pk("CPN#{coupon_id}#QUOTA#{number}"), sk("QUOTA")
);

/// A part of a coupon's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QuotaShard {
    coupon_id: CouponId,
    pub(super) number: u16,
    /// How many may still claim.
    pub(super) free: u32,
    /// How many did.
    claimed: u32,
    /// The version of the coupon that it belongs to.
    pub(super) version: u64,
}

/// Why a coupon is not claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotClaimed {
    /// There is none, or it was withdrawn.
    #[error("there is no such coupon")]
    NotFound,
    /// Its last day is over.
    #[error("the coupon has expired")]
    Expired,
    /// As many as may have claimed it.
    #[error("the coupon is gone")]
    Gone,
}

impl Fault for NotClaimed {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => codes::COUPON_NOT_FOUND,
            Self::Expired => codes::COUPON_EXPIRED,
            Self::Gone => codes::COUPON_GONE,
        }
    }
}

/// Why a coupon is neither made nor changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOffered {
    /// Another coupon has the code.
    #[error("there is a coupon with this code")]
    CodeTaken,
    /// It would expire before it could be claimed.
    #[error("the last day is over")]
    Over,
    /// There is none.
    #[error("there is no such coupon")]
    NotFound,
    /// It was withdrawn.
    #[error("the coupon was withdrawn")]
    Withdrawn,
    /// More have claimed it than the quota would allow.
    #[error("more have claimed it")]
    QuotaBelowClaimed,
}

/// What becomes of a coupon. Who has claimed it keeps what was claimed.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewTerms {
    /// How many may claim it, if that is to be another number: not fewer than did.
    pub quota: Option<Quota>,
    /// Its last day, if that is to be another one: not one that is over.
    pub expires_on: Option<Day>,
}

impl Coupon {
    /// A coupon that can be claimed from now on.
    pub fn new(
        code: CouponCode,
        discount: Discount,
        quota: Quota,
        expires_on: Day,
        now: Time,
    ) -> Self {
        Self {
            id: CouponId::generate(),
            code,
            discount,
            quota,
            expires_on,
            shards: shards_of(quota),
            gone: false,
            withdrawn_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// That it can be claimed now.
    ///
    /// # Errors
    /// Why it can't.
    pub fn can_be_claimed(&self, now: Time) -> Result<(), NotClaimed> {
        if self.withdrawn_at.is_some() {
            return Err(NotClaimed::NotFound);
        }
        if !is_good(self.expires_on, now) {
            return Err(NotClaimed::Expired);
        }
        if self.gone { Err(NotClaimed::Gone) } else { Ok(()) }
    }

    fn offer(&self) -> OfferKey {
        OfferKey { expires_on: self.expires_on, coupon_id: self.id }
    }

    fn shard(&self, number: u16) -> QuotaKey {
        QuotaKey { coupon_id: self.id, number }
    }

    /// Any shard.
    pub(super) fn any_shard(&self) -> u16 {
        fastrand::u16(..self.shards.max(1))
    }

    fn create_shard(&self, number: u16, free: u32) -> Write {
        let version = self.version;
        let shard = QuotaShard { coupon_id: self.id, number, free, claimed: 0, version };
        Write::create(&self.shard(number), &shard)
    }

    /// Takes one of a shard's, unless none is left there or the terms are no longer these.
    pub(super) fn take_from(&self, number: u16) -> Write {
        Write::update(&self.shard(number))
            .add("free", -1)
            .add("claimed", 1)
            .when("free", Compare::AtLeast, 1)
            .when("version", Compare::Equal, self.version)
    }

    /// The coupon and its shards on other terms, unless they are other ones already.
    fn becomes(&self, next: &Self, shards: &[QuotaShard]) -> Result<Transaction<()>, NotOffered> {
        let as_read = |write: Write| write.when("version", Compare::Equal, self.version);
        // Whoever finds none left notes that without another version, and this change takes it away: it must have seen it.
        let changed = as_read(Write::change(&CouponKey(self.id), self, next));
        let changed = changed.when("gone", Compare::Equal, self.gone);
        let mut changing = Transaction::new().require(changed, ());
        for (number, change) in self.quota_changes(next, shards)? {
            let write = match change {
                _ if number >= self.shards => next.create_shard(number, change.unsigned_abs()),
                change => {
                    let write = Write::update(&self.shard(number)).set("version", next.version);
                    let write = as_read(write).add("free", change.into());
                    if change < 0 {
                        write.when("free", Compare::AtLeast, change.unsigned_abs())
                    } else {
                        write
                    }
                }
            };
            changing = changing.require(write, ());
        }
        if next.withdrawn_at.is_some() || next.offer() != self.offer() {
            changing = changing.also(Write::delete(&self.offer()));
        }
        if next.withdrawn_at.is_none() && next.offer() != self.offer() {
            changing = changing.also(Write::put(&next.offer(), &Offer { coupon_id: self.id }));
        }
        Ok(changing)
    }

    /// By how much each shard changes, those that are new and those that don't change included.
    fn quota_changes(
        &self,
        next: &Self,
        shards: &[QuotaShard],
    ) -> Result<Vec<(u16, i32)>, NotOffered> {
        let (before, after) = (self.quota.get(), next.quota.get());
        if after >= before {
            let more = evenly(after - before, next.shards.into());
            return Ok((0..).zip(more.into_iter().map(u32::cast_signed)).collect());
        }
        let free: Vec<Shard> = shards.iter().map(QuotaShard::as_stock).collect();
        let fewer = take(&free, before - after, 0).ok_or(NotOffered::QuotaBelowClaimed)?;
        let fewer_of = |number| fewer.iter().find(|(it, _)| *it == number).map_or(0, |it| it.1);
        Ok((0..self.shards).map(|number| (number, -fewer_of(number).cast_signed())).collect())
    }
}

/// Over how many shards a quota is spread.
fn shards_of(quota: Quota) -> u16 {
    shards_for(quota.get()).len() as u16
}

impl QuotaShard {
    fn as_stock(&self) -> Shard {
        Shard { sold: self.claimed, ..Shard::of_free(self.number, self.free) }
    }
}

impl Store {
    /// Offers a coupon.
    ///
    /// # Errors
    /// [`NotOffered::CodeTaken`], [`NotOffered::Over`], or the database's trouble.
    pub async fn offer(&self, coupon: &Coupon, now: Time) -> Result<(), Rejected<NotOffered>> {
        if !is_good(coupon.expires_on, now) {
            return Err(Rejected::Condition(NotOffered::Over));
        }
        let of = CodeOf { coupon_id: coupon.id };
        let guard = Write::create(&CodeKey(coupon.code.clone()), &of);
        let offering = Transaction::new()
            .require(guard, NotOffered::CodeTaken)
            .also(Write::create(&CouponKey(coupon.id), coupon))
            .also(Write::put(&coupon.offer(), &Offer { coupon_id: coupon.id }));
        let shards = (0..).zip(shards_for(coupon.quota.get()));
        let shards = shards.map(|(number, free)| coupon.create_shard(number, free));
        self.transact(shards.fold(offering, Transaction::also)).await
    }

    /// Puts a coupon on other terms, and answers it.
    ///
    /// # Errors
    /// [`NotOffered`], or the database's trouble.
    pub async fn change_coupon(
        &self,
        id: CouponId,
        terms: NewTerms,
        now: Time,
    ) -> Result<Coupon, Rejected<NotOffered>> {
        let change = |coupon: Coupon| {
            if coupon.withdrawn_at.is_some() {
                return Err(NotOffered::Withdrawn);
            }
            if terms.expires_on.is_some_and(|day| !is_good(day, now)) {
                return Err(NotOffered::Over);
            }
            let quota = terms.quota.unwrap_or(coupon.quota);
            let expires_on = terms.expires_on.unwrap_or(coupon.expires_on);
            let shards = coupon.shards.max(shards_of(quota));
            Ok(Coupon { quota, expires_on, shards, ..coupon })
        };
        self.rewrite(id, change, now).await
    }

    /// Withdraws a coupon, which ends claims and nothing else, and answers it. One that was stays so.
    ///
    /// # Errors
    /// [`NotOffered::NotFound`], or the database's trouble.
    pub async fn withdraw_coupon(
        &self,
        id: CouponId,
        now: Time,
    ) -> Result<Coupon, Rejected<NotOffered>> {
        let withdrawn = |coupon: Coupon| {
            Ok(Coupon { withdrawn_at: coupon.withdrawn_at.or(Some(now)), ..coupon })
        };
        self.rewrite(id, withdrawn, now).await
    }

    async fn rewrite(
        &self,
        id: CouponId,
        change: impl Fn(Coupon) -> Result<Coupon, NotOffered>,
        now: Time,
    ) -> Result<Coupon, Rejected<NotOffered>> {
        for _ in 0..ROUNDS {
            let coupon = self.get(&CouponKey(id)).await?;
            let coupon = coupon.ok_or(Rejected::Condition(NotOffered::NotFound))?;
            let shards = self.quota(&coupon).await?;
            let next = change(coupon.clone()).map_err(Rejected::Condition)?;
            let version = coupon.version + 1;
            let next = Coupon { gone: false, version, updated_at: now, ..next };
            let changing = coupon.becomes(&next, &shards).map_err(Rejected::Condition)?;
            match self.transact(changing).await {
                Ok(()) => return Ok(next),
                Err(Rejected::Condition(())) => {}
                Err(Rejected::Store(fault)) => return Err(fault.into()),
            }
        }
        Err(contended().into())
    }

    /// The shards of a coupon's quota.
    pub(super) async fn quota(&self, coupon: &Coupon) -> Result<Vec<QuotaShard>, StoreFault> {
        let keys: Vec<_> = (0..coupon.shards).map(|number| coupon.shard(number)).collect();
        Ok(self.read_all(&keys).await?.into_iter().flatten().collect())
    }

    /// Notes that no shard has any left, if the coupon still is as it was when they were read; says whether it is.
    pub(super) async fn note_gone(&self, coupon: &Coupon) -> Result<bool, StoreFault> {
        let gone = Write::update(&CouponKey(coupon.id)).set("gone", true);
        let gone = gone.when("version", Compare::Equal, coupon.version);
        was_done(self.write(gone, ()).await)
    }

    /// How many have claimed a coupon.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claims_on(&self, coupon: &Coupon) -> Result<u32, StoreFault> {
        Ok(self.quota(coupon).await?.iter().map(|shard| shard.claimed).sum())
    }

    /// All coupons, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn coupons(
        &self,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Coupon>, StoreFault> {
        let query = Query::new(Index::of(Table::Sales), PARTITION.to_owned(), limit);
        self.query(query.beginning("CPN#").backwards().after(start)).await
    }

    /// The coupons that can be claimed now, the first to expire first; they may be a second old. A page is shorter for each of which
    /// none is left.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn coupons_on_offer(
        &self,
        now: Time,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Coupon>, StoreFault> {
        // A page that was asked for yesterday begins where the last one ended, which may be before today.
        let from = match start {
            Some(_) => "ENDS#".to_owned(),
            None => format!("ENDS#{}", now.korean_day()),
        };
        let query = Query::new(Index::of(Table::Sales), PARTITION.to_owned(), limit);
        let query = query.between(from, "ENDS#~".to_owned()).after(start);
        let Page { items: offers, next } = self.query::<Offer>(query).await?;
        let keys: Vec<_> = offers.iter().map(|it| Relaxed(CouponKey(it.coupon_id))).collect();
        let mut coupons = self.list(&keys).await?;
        coupons.retain(|coupon| coupon.can_be_claimed(now).is_ok());
        Ok(Page { items: coupons, next })
    }
}

/// Each time, somebody else was faster.
pub(super) fn contended() -> StoreFault {
    StoreFault::Unavailable("a coupon changes too fast".into())
}
