//! The idempotency record of a purchase: part of the purchase's own transaction, so that there is never one without the other.
//! It keeps no answer. The payment never forgets what the answer was made of.

use domain::{
    id::{MemberId, PaymentId},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{
    Compare, Ttl, Write,
    ephemeral::idempotency::{LEASE, MEMORY},
    identity::session::SignedIn,
};

key!(
    /// Where the record of one purchase stands.
    pub struct PurchaseKey {
        /// The buyer: keys of two members never meet.
        member_id: MemberId,
        /// The caller's `Idempotency-Key`.
        key: String,
    } => PurchaseRecord in Sales, pk("IDEM#{member_id}#create_payment#{key}"), sk("IDEMPOTENCY")
);

impl PurchaseKey {
    /// Of a caller whose session is read together with it.
    pub fn of(buyer: &SignedIn, key: String) -> Self {
        Self { member_id: buyer.member_id(), key }
    }
}

/// What a key made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PurchaseRecord {
    /// The hash of what was asked for.
    pub body_hash: String,
    /// The payment.
    pub made: PaymentId,
    /// Until when the run that is at it has it to itself.
    #[serde(with = "domain::time::millis")]
    pub lease_ends_at: Time,
    /// When the key is forgotten.
    pub expires_at: Ttl,
}

/// Remembers the key, unless it is known: a piece for the purchase's transaction.
pub fn remember(key: &PurchaseKey, body_hash: &str, made: PaymentId, now: Time) -> Write {
    let (lease_ends_at, expires_at) = (now.plus(LEASE), Ttl::at(now.plus(MEMORY)));
    let record =
        PurchaseRecord { body_hash: body_hash.to_owned(), made, lease_ends_at, expires_at };
    // A key whose time is over may still be there: the database deletes late.
    Write::put(key, &record).when_absent_or("expiresAt", Compare::AtMost, now.seconds())
}

/// Takes over from a run whose lease has ended, unless somebody else did.
pub fn take_over(key: &PurchaseKey, record: &PurchaseRecord, now: Time) -> Write {
    let write = Write::update(key).set("leaseEndsAt", now.plus(LEASE).millis());
    write.when("leaseEndsAt", Compare::Equal, record.lease_ends_at.millis())
}

/// Ends the lease, so that a retry need not wait.
pub fn release(key: &PurchaseKey) -> Write {
    Write::update(key).set("leaseEndsAt", 0).when_present("pk")
}
