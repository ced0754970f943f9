//! What claiming by id and by code have in common.

use std::time::Duration;

use api::{Answer, Context, Idempotency, Problem};
use domain::id::MemberId;
use serde_json::json;
use store::{
    Store,
    ephemeral::{
        idempotency::{Begun, Record, RecordKey},
        rate::{self, RateFault, Rule},
    },
    sales::{
        claim::{Claimed, Outcome},
        coupon::{Coupon, NotClaimed},
    },
};

use crate::view::ClaimView;

/// How many coupons one member may try: nobody guesses a code at that pace.
pub(crate) const BY_MEMBER: Rule =
    Rule { name: "claim", limit: 20, window: Duration::from_mins(10) };

/// How many all those behind one address may try: a hall full of people has a code read out to it.
pub(crate) const FROM_ADDRESS: Rule =
    Rule { name: "claim_from", limit: 600, window: Duration::from_mins(10) };

/// What an earlier request with the key was answered, if it claimed something.
pub(crate) fn answered(
    record: Option<Record>,
    idempotency: &Idempotency,
    context: &Context,
) -> Result<Option<Answer<ClaimView>>, Problem> {
    let Some(record) = record else { return Ok(None) };
    let answer = record.answered(&idempotency.fingerprint, context.now)?;
    answer.as_deref().map(claimed_before).transpose()
}

/// Counts a try, whatever comes of it.
pub(crate) async fn count(
    store: &Store,
    member_id: MemberId,
    context: &Context,
) -> Result<(), RateFault> {
    // The member first: whoever tries too often does not use up what their neighbours may.
    store.count(BY_MEMBER, &member_id.to_string(), context.now).await?;
    store.count(FROM_ADDRESS, &rate::address(&context.address), context.now).await
}

/// Claims a coupon for a member, as both were just read. Whoever has it already is answered what they have, whatever has become of
/// the coupon: that is what they want to know, and nothing is made.
pub(crate) async fn claim(
    store: &Store,
    member_id: MemberId,
    (coupon, claimed): (Option<Coupon>, Option<Claimed>),
    (key, idempotency): (RecordKey, Idempotency),
    context: &Context,
) -> Result<Answer<ClaimView>, Problem> {
    let now = context.now;
    if let Some(claimed) = claimed {
        let claim = store.claim_of(member_id, claimed).await?;
        return Ok(Answer::ok(ClaimView::of(&claim, now)));
    }
    // What is refused by what was read writes nothing, so that the same key may try again.
    let coupon = coupon.ok_or(NotClaimed::NotFound)?;
    coupon.can_be_claimed(now)?;
    let lease = match store.begin(key, &idempotency.fingerprint, now).await? {
        Begun::Run(lease) => lease,
        Begun::Finished(answer) => return claimed_before(&answer),
    };
    let finishing = |claim: &_| lease.finish(&json!(ClaimView::of(claim, now)).to_string());
    match store.claim(member_id, coupon, finishing, now).await {
        Ok(Outcome::New(claim)) => Ok(created(ClaimView::of(&claim, now))),
        Ok(Outcome::There(claim)) => {
            store.give_up(&lease).await;
            Ok(Answer::ok(ClaimView::of(&claim, now)))
        }
        Err(fault) => {
            store.give_up(&lease).await;
            Err(fault.into())
        }
    }
}

fn claimed_before(answer: &str) -> Result<Answer<ClaimView>, Problem> {
    let view = serde_json::from_str(answer);
    Ok(created(view.map_err(|_| Problem::new(domain::codes::INTERNAL))?))
}

fn created(claim: ClaimView) -> Answer<ClaimView> {
    Answer::created(claim, "/v1/me/coupons")
}
