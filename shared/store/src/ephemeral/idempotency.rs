//! Doing once what is asked for twice: a guard for everything that is not a purchase (a purchase's record is part of its own
//! transaction, in `sales`).

use std::time::Duration;

use domain::{
    fault::{Code, Fault},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Rejected, Store, StoreFault, Ttl, Write, codes, identity::session::SignedIn};

/// How long one run has to itself.
pub const LEASE: Duration = Duration::from_secs(30);
/// How long an answer is remembered.
pub const MEMORY: Duration = Duration::from_hours(24);

key!(
    /// What was asked for under which key, by whom.
    pub struct RecordKey {
        /// Whose key it is: keys of two accounts never meet.
        account: String,
        /// The route's operation, such as `create_event`.
        operation: &'static str,
        /// The caller's `Idempotency-Key`.
        key: String,
    } => Record in Ephemeral, pk("IDEM#{account}#{operation}#{key}"), sk("IDEMPOTENCY")
);

/// What is remembered about one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The hash of what was asked for.
    pub body_hash: String,
    /// Until when the run has it to itself.
    #[serde(with = "domain::time::millis")]
    pub lease_ends_at: Time,
    /// The id of what the first run made, if it got that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// The final answer, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// When the record is forgotten.
    pub expires_at: Ttl,
}

/// What to do with a request that came with a key.
#[derive(Clone, Debug)]
pub enum Begun {
    /// Run it: for the first time, or go on from what an earlier run made.
    Run(Lease),
    /// It ran: send this again.
    Finished(String),
}

/// The right to run what was asked for.
#[derive(Clone, Debug)]
pub struct Lease {
    key: RecordKey,
    ends_at: Time,
    /// The id of what an earlier run made: go on from its state and make no second one.
    pub made: Option<String>,
}

/// Why a request with a key is not run.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyFault {
    /// The key stood for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Another run is at it.
    #[error("the same request is still running")]
    InProgress {
        /// When that run's time is over.
        retry_after: Duration,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Fault for IdempotencyFault {
    fn code(&self) -> Code {
        match self {
            Self::KeyReused => codes::IDEMPOTENCY_KEY_REUSED,
            Self::InProgress { .. } => codes::IDEMPOTENCY_IN_PROGRESS,
            Self::Store(fault) => fault.code(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::KeyReused => None,
            Self::InProgress { retry_after } => Some(*retry_after),
            Self::Store(fault) => fault.retry_after(),
        }
    }
}

impl Record {
    /// A record of a run that starts now.
    pub fn starting(body_hash: &str, now: Time) -> Self {
        Self {
            body_hash: body_hash.to_owned(),
            lease_ends_at: now.plus(LEASE),
            made: None,
            answer: None,
            expires_at: Ttl::at(now.plus(MEMORY)),
        }
    }

    /// What the same request was answered, if it has run; for whoever reads the record together with other things, before anything
    /// is written.
    ///
    /// # Errors
    /// That the key stood for another request, or that a run is at it.
    pub fn answered(&self, body_hash: &str, now: Time) -> Result<Option<String>, IdempotencyFault> {
        if self.expires_at.is_past(now) {
            return Ok(None);
        }
        if self.body_hash != body_hash {
            return Err(IdempotencyFault::KeyReused);
        }
        if self.answer.is_none() && self.lease_ends_at > now {
            let retry_after = now.until(self.lease_ends_at);
            return Err(IdempotencyFault::InProgress { retry_after });
        }
        Ok(self.answer.clone())
    }
}

impl RecordKey {
    /// Of a caller whose session is read together with it.
    pub fn of(caller: &SignedIn, operation: &'static str, key: String) -> Self {
        Self { account: caller.member_id().to_string(), operation, key }
    }
}

impl Store {
    /// Ends a lease without an answer, so that a retry need not wait for the lease's end. If this fails, it waits.
    pub async fn give_up(&self, lease: &Lease) {
        let _ = self.write(lease.release(), ()).await;
    }

    /// Asks whether a request may run. One write, the first time and each time after.
    ///
    /// # Errors
    /// `IDEMPOTENCY_KEY_REUSED`, `IDEMPOTENCY_IN_PROGRESS`, or the database's trouble.
    pub async fn begin(
        &self,
        key: RecordKey,
        body_hash: &str,
        now: Time,
    ) -> Result<Begun, IdempotencyFault> {
        let record = Record::starting(body_hash, now);
        let lease =
            |made| Begun::Run(Lease { key: key.clone(), ends_at: record.lease_ends_at, made });
        // A record whose time is over may still be there: the database deletes late.
        let first =
            Write::put(&key, &record).when_absent_or("expiresAt", Compare::AtMost, now.seconds());
        let earlier = match self.write_or_find::<RecordKey>(first).await {
            Ok(()) => return Ok(lease(None)),
            Err(Rejected::Condition(Some(earlier))) => earlier,
            Err(Rejected::Condition(None)) => {
                return Err(IdempotencyFault::InProgress { retry_after: Duration::from_secs(1) });
            }
            Err(Rejected::Store(fault)) => return Err(fault.into()),
        };
        if let Some(answer) = earlier.answered(body_hash, now)? {
            return Ok(Begun::Finished(answer));
        }
        let take_over = Write::update(&key)
            .set("leaseEndsAt", record.lease_ends_at.millis())
            .when("leaseEndsAt", Compare::Equal, earlier.lease_ends_at.millis())
            .when_absent("answer");
        match self.write(take_over, ()).await {
            Ok(()) => Ok(lease(earlier.made)),
            Err(Rejected::Condition(())) => {
                Err(IdempotencyFault::InProgress { retry_after: LEASE })
            }
            Err(Rejected::Store(fault)) => Err(fault.into()),
        }
    }
}

impl Lease {
    /// Remembers the final answer, on condition that the lease is still ours: a piece for the transaction that does the work, so
    /// that work and memory are one.
    pub fn finish(&self, answer: &str) -> Write {
        self.update().set("answer", answer)
    }

    /// Remembers what was made, before it is finished.
    pub fn made(&self, id: &str) -> Write {
        self.update().set("made", id)
    }

    /// Ends the lease without an answer, so that a retry need not wait.
    pub fn release(&self) -> Write {
        self.update().set("leaseEndsAt", 0)
    }

    fn update(&self) -> Write {
        Write::update(&self.key).when("leaseEndsAt", Compare::Equal, self.ends_at.millis())
    }
}
