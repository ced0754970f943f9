//! What admins make of coupons while members claim them, and what purchases make of claims.

use std::time::Duration;

use domain::{
    coupon::{
        ClaimState::{self, Expired, Held, Usable, Used},
        CouponCode,
    },
    fault::Fault,
    id::{CouponId, MemberId, PaymentId},
    time::{Day, Time},
};
use futures::future::join_all;

use super::{Coupon, CouponKey, NewTerms, NotOffered};
use crate::{
    Rejected, Store, Write,
    ephemeral::idempotency::{Record, RecordKey},
    sales::claim::{Claim, ClaimFault, ClaimKey, Outcome},
    tests::store,
};

const DAY: Duration = Duration::from_hours(24);

async fn offered(quota: i64, now: Time) -> Coupon {
    let code = CouponCode::of(fastrand::u64(..));
    let (discount, quota) = (5_000.try_into().unwrap(), quota.try_into().unwrap());
    let coupon = Coupon::new(code, discount, quota, now.plus(DAY).korean_day(), now);
    store().offer(&coupon, now).await.unwrap();
    coupon
}

async fn read(id: CouponId) -> Coupon {
    store().get(&CouponKey(id)).await.unwrap().unwrap()
}

/// Somebody claims the coupon as it was read: their claim, or what they are told.
async fn claim_by(
    store: &Store,
    member_id: MemberId,
    coupon: &Coupon,
    now: Time,
) -> Result<Claim, String> {
    let finishing = |claim: &Claim| {
        let (account, key) = (member_id.to_string(), claim.id.to_string());
        Write::put(&RecordKey { account, operation: "test", key }, &Record::starting("", now))
    };
    match store.claim(member_id, coupon.clone(), finishing, now).await {
        Ok(Outcome::New(claim) | Outcome::There(claim)) => Ok(claim),
        Err(ClaimFault::Store(fault)) => panic!("{fault:?}"),
        Err(fault) => Err(fault.code().name.to_owned()),
    }
}

async fn claim(coupon: &Coupon, now: Time) -> Result<Claim, String> {
    claim_by(&store(), MemberId::generate(), coupon, now).await
}

/// How many have claimed it, and how many may still.
async fn counts(coupon: &Coupon) -> (u32, u32) {
    let shards = store().quota(&read(coupon.id).await).await.unwrap();
    (shards.iter().map(|it| it.claimed).sum(), shards.iter().map(|it| it.free).sum())
}

async fn change(
    coupon: &Coupon,
    quota: Option<i64>,
    expires_on: Option<Day>,
    now: Time,
) -> Result<Coupon, NotOffered> {
    let quota = quota.map(|quota| quota.try_into().unwrap());
    match store().change_coupon(coupon.id, NewTerms { quota, expires_on }, now).await {
        Ok(coupon) => Ok(coupon),
        Err(Rejected::Condition(reason)) => Err(reason),
        Err(Rejected::Store(fault)) => panic!("{fault:?}"),
    }
}

#[test]
fn one_code_is_one_coupons() {
    stack::run(async {
        let now = Time::now();
        let first = offered(1, now).await;
        let second = Coupon { id: CouponId::generate(), ..first.clone() };
        let refused = store().offer(&second, now).await;
        assert!(matches!(refused, Err(Rejected::Condition(NotOffered::CodeTaken))), "{refused:?}");
        assert_eq!(store().get(&CouponKey(second.id)).await.unwrap(), None);
    });
}

#[test]
fn the_last_of_a_large_quota_is_found_in_whatever_shard_it_is() {
    stack::run(async {
        let now = Time::now();
        let coupon = offered(1_500, now).await;
        for number in 0..3 {
            let left = u32::from(number == 1);
            let write = Write::update(&coupon.shard(number)).set("free", left);
            store().write(write, ()).await.unwrap();
        }
        claim(&coupon, now).await.unwrap();
        assert_eq!(claim(&coupon, now).await.unwrap_err(), "COUPON_GONE");
        assert!(read(coupon.id).await.gone, "the next one is told by the coupon alone");
    });
}

#[test]
fn the_last_of_forty_shards_are_all_claimed_and_nobody_is_told_too_early_that_none_is_left() {
    stack::run(async {
        let now = Time::now();
        let coupon = offered(20_000, now).await;
        for number in 0..40 {
            // One in three shards has one left.
            let left = u32::from(number % 3 == 0);
            let write = Write::update(&coupon.shard(number)).set("free", left);
            store().write(write, ()).await.unwrap();
        }
        let claims = (0..60).map(|_| {
            let coupon = coupon.clone();
            tokio::spawn(async move { claim(&coupon, now).await })
        });
        let outcomes = join_all(claims.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap);
        let (got, refused): (Vec<_>, Vec<_>) = outcomes.partition(Result::is_ok);
        assert_eq!((got.len(), refused.len()), (14, 46));
        assert!(refused.iter().all(|it| *it == Err("COUPON_GONE".to_owned())), "{refused:?}");
    });
}

#[test]
fn a_quota_grows_by_shards_and_shrinks_to_what_is_claimed_and_no_further() {
    stack::run(async {
        let now = Time::now();
        let coupon = offered(2, now).await;
        for _ in 0..2 {
            claim(&coupon, now).await.unwrap();
        }
        assert_eq!(claim(&coupon, now).await.unwrap_err(), "COUPON_GONE");
        let grown = change(&coupon, Some(1_501), None, now).await.unwrap();
        assert_eq!((grown.shards, grown.gone, counts(&coupon).await), (4, false, (2, 1_499)));
        // Who read it before it grew claims all the same.
        claim(&coupon, now).await.unwrap();
        assert_eq!(change(&coupon, Some(2), None, now).await, Err(NotOffered::QuotaBelowClaimed));
        assert_eq!(counts(&coupon).await, (3, 1_498), "a refusal changes nothing");
        change(&coupon, Some(700), None, now).await.unwrap();
        assert_eq!(counts(&coupon).await, (3, 697));
        change(&coupon, Some(3), None, now).await.unwrap();
        assert_eq!(counts(&coupon).await, (3, 0));
        assert_eq!(claim(&coupon, now).await.unwrap_err(), "COUPON_GONE");
    });
}

#[test]
fn nobody_is_told_that_it_is_gone_when_its_quota_grew_after_the_shards_were_read() {
    stack::run(async {
        let now = Time::now();
        let coupon = offered(1, now).await;
        claim(&coupon, now).await.unwrap();
        let of = coupon.clone();
        let grow = move || {
            let coupon = of.clone();
            async move {
                change(&coupon, Some(2), None, now).await.unwrap();
            }
        };
        // All shards were seen empty, and what is left is to note that.
        let meanwhile = Store::new(stack::meanwhile("UpdateItem", grow), stack::prefix());
        claim_by(&meanwhile, MemberId::generate(), &coupon, now).await.unwrap();
        assert_eq!(counts(&coupon).await, (2, 0));
    });
}

#[test]
fn a_quota_is_not_changed_past_those_who_claim_meanwhile() {
    stack::run(async {
        let now = Time::now();
        let coupon = offered(3, now).await;
        let of = coupon.clone();
        let all_claim = move || {
            let coupon = of.clone();
            async move {
                for _ in 0..3 {
                    claim(&coupon, now).await.unwrap();
                }
            }
        };
        let meanwhile =
            Store::new(stack::meanwhile("TransactWriteItems", all_claim), stack::prefix());
        let terms = NewTerms { quota: Some(2.try_into().unwrap()), expires_on: None };
        let refused = meanwhile.change_coupon(coupon.id, terms, now).await;
        let below = matches!(refused, Err(Rejected::Condition(NotOffered::QuotaBelowClaimed)));
        assert!(below, "{refused:?}");
        assert_eq!((read(coupon.id).await.quota, counts(&coupon).await), (coupon.quota, (3, 0)));
    });
}

#[test]
fn what_is_claimed_keeps_its_terms_and_outlives_the_withdrawal() {
    stack::run(async {
        let now = Time::now();
        let coupon = offered(5, now).await;
        let (member, first_day) = (MemberId::generate(), coupon.expires_on);
        let early = claim_by(&store(), member, &coupon, now).await.unwrap();
        let later = now.plus(DAY * 9).korean_day();
        change(&coupon, None, Some(later), now).await.unwrap();
        // Who read the coupon before has its new day.
        assert_eq!(claim(&coupon, now).await.unwrap().expires_on, later);

        store().withdraw_coupon(coupon.id, now).await.unwrap();
        assert_eq!(claim(&coupon, now).await.unwrap_err(), "COUPON_NOT_FOUND");
        let kept = store().claims_of(member, 10, None).await.unwrap().items;
        assert_eq!((&kept, kept[0].expires_on), (&vec![early.clone()], first_day));
        let key = ClaimKey { member_id: member, id: early.id };
        store().write(key.hold(PaymentId::generate(), now), ()).await.unwrap();
        assert_eq!(change(&coupon, Some(9), None, now).await, Err(NotOffered::Withdrawn));
        let again = store().withdraw_coupon(coupon.id, now.plus(DAY)).await.unwrap();
        assert_eq!(again.withdrawn_at, Some(now));
    });
}

#[test]
fn a_day_that_is_over_is_no_last_day() {
    stack::run(async {
        let now = Time::now();
        let coupon = offered(5, now).await;
        let (today, yesterday) = (now.korean_day(), now.minus(DAY).korean_day());
        assert_eq!(change(&coupon, None, Some(yesterday), now).await, Err(NotOffered::Over));
        change(&coupon, None, Some(today), now).await.unwrap();
        let changed = read(coupon.id).await;
        let last = today.end().minus(Duration::from_millis(1));
        claim(&changed, last).await.unwrap();
        assert_eq!(claim(&changed, today.end()).await.unwrap_err(), "COUPON_EXPIRED");
        let over = Coupon { id: CouponId::generate(), ..changed };
        let refused = store().offer(&over, today.end()).await;
        assert!(matches!(refused, Err(Rejected::Condition(NotOffered::Over))), "{refused:?}");
    });
}

#[test]
fn on_offer_is_what_can_be_claimed_the_first_to_expire_first() {
    stack::run(async {
        let now = Time::now();
        let day = |days: u32| now.plus(DAY * days).korean_day();
        let mut coupons = Vec::new();
        for days in [4, 2, 3, 5, 6] {
            let coupon = offered(1, now).await;
            coupons.push(change(&coupon, None, Some(day(days)), now).await.unwrap());
        }
        store().withdraw_coupon(coupons[3].id, now).await.unwrap();
        claim(&coupons[4], now).await.unwrap();
        claim(&coupons[4], now).await.unwrap_err();
        let listed = async |at: Time| {
            let (mut listed, mut start) = (Vec::new(), None);
            loop {
                let page = store().coupons_on_offer(at, 2, start).await.unwrap();
                listed.extend(page.items.iter().map(|coupon| coupon.id));
                start = page.next;
                if start.is_none() {
                    break;
                }
            }
            // Other tests have theirs.
            listed.retain(|id| coupons.iter().any(|coupon| coupon.id == *id));
            listed
        };
        let [fourth, second, third] = [0, 1, 2].map(|place: usize| coupons[place].id);
        assert_eq!(listed(now).await, [second, third, fourth]);
        assert_eq!(listed(day(2).end()).await, [third, fourth]);
        change(&coupons[4], Some(2), None, now).await.unwrap();
        assert_eq!(listed(now).await, [second, third, fourth, coupons[4].id]);
    });
}

/// A claim and the purchases that want it.
struct Purchases {
    member_id: MemberId,
    claim: Claim,
    now: Time,
}

impl Purchases {
    async fn new() -> Self {
        let (now, member_id) = (Time::now(), MemberId::generate());
        let claim = claim_by(&store(), member_id, &offered(1, now).await, now).await.unwrap();
        Self { member_id, claim, now }
    }

    fn key(&self) -> ClaimKey {
        ClaimKey { member_id: self.member_id, id: self.claim.id }
    }

    async fn state_at(&self, now: Time) -> (ClaimState, Option<PaymentId>) {
        let claim = store().get(&self.key()).await.unwrap().unwrap();
        (claim.state_at(now), claim.payment_id)
    }

    async fn does(&self, step: Write) -> bool {
        crate::was_done(store().write(step, ()).await).unwrap()
    }
}

#[test]
fn a_claim_is_held_released_spent_and_given_back_by_its_purchase_and_each_step_once() {
    stack::run(async {
        let it = Purchases::new().await;
        let (key, now, [own, other]) = (it.key(), it.now, [(); 2].map(|()| PaymentId::generate()));
        let steps: [(&dyn Fn(PaymentId) -> Write, _); 6] = [
            (&|payment| key.hold(payment, now), (Held, Some(own))),
            (&|payment| key.release(payment), (Usable, None)),
            (&|payment| key.hold(payment, now), (Held, Some(own))),
            (&|payment| key.spend(payment), (Used, Some(own))),
            (&|payment| key.give_back(payment), (Usable, None)),
            (&|payment| key.hold(payment, now), (Held, Some(own))),
        ];
        for (number, (step, then)) in steps.into_iter().enumerate() {
            // Whoever holds it first has it; every later step is its own purchase's.
            let is_hold = then.0 == Held;
            assert!(is_hold || !it.does(step(other)).await, "step {number} by another purchase");
            assert!(it.does(step(own)).await, "step {number}");
            assert!(!it.does(step(own)).await, "step {number}, twice");
            assert!(!it.does(step(other)).await, "step {number}, by another purchase after it");
            assert_eq!(it.state_at(now).await, then, "step {number}");
        }
    });
}

#[test]
fn a_claim_is_held_to_the_end_of_its_last_day_and_what_is_held_stays_so() {
    stack::run(async {
        let it = Purchases::new().await;
        let (key, end, payment) = (it.key(), it.claim.expires_on.end(), PaymentId::generate());
        assert!(!it.does(key.hold(payment, end)).await);
        assert_eq!(it.state_at(end).await, (Expired, None));
        assert!(it.does(key.hold(payment, end.minus(Duration::from_millis(1)))).await);
        assert_eq!(it.state_at(end).await, (Held, Some(payment)));
        assert!(it.does(key.release(payment)).await);
        assert_eq!(it.state_at(end).await, (Expired, None));
        assert!(!it.does(key.hold(payment, end)).await);
    });
}
