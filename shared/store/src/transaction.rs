use std::error::Error;

use aws_sdk_dynamodb::{
    error::{BuildError, ProvideErrorMetadata, SdkError},
    operation::{
        transact_write_items::TransactWriteItemsError,
        update_item::builders::UpdateItemFluentBuilder,
    },
    primitives::Blob,
    types::{
        AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnValue,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
        error::ConditionalCheckFailedException,
    },
};
use serde::de::DeserializeOwned;

use crate::{
    Key, Rejected, Store, StoreFault, Write,
    fault::Effect,
    read::Attributes,
    retry::Retry,
    was_done,
    write::{self, Change},
};

/// Writes that are done together or not at all; `C` says what a condition that did not hold means.
#[derive(Clone, Debug)]
#[must_use]
pub struct Transaction<C> {
    writes: Vec<(Write, Option<C>)>,
}

impl<C> Default for Transaction<C> {
    fn default() -> Self {
        Self { writes: Vec::new() }
    }
}

impl<C: Clone> Transaction<C> {
    /// With nothing in it yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a write whose conditions can fail, and what it means when they do. When several fail, the first that was added counts.
    pub fn require(mut self, write: Write, meaning: C) -> Self {
        self.writes.push((write, Some(meaning)));
        self
    }

    /// Adds all of another's writes after these.
    pub fn and(mut self, other: Self) -> Self {
        self.writes.extend(other.writes);
        self
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The same with other meanings.
    pub fn map<D>(self, meaning: impl Fn(C) -> D) -> Transaction<D> {
        let writes = self.writes.into_iter();
        Transaction { writes: writes.map(|(write, it)| (write, it.map(&meaning))).collect() }
    }

    /// Adds a write without conditions, or whose conditions never fail but by a defect.
    pub fn also(mut self, write: Write) -> Self {
        self.writes.push((write, None));
        self
    }
}

/// What the request of every change says: its table, its conditions, and the names and values in its expressions.
macro_rules! common {
    ($store:ident, $write:ident, $request:expr) => {{
        let (names, values) = $write.bindings();
        $request
            .table_name($store.name($write.table))
            .set_condition_expression($write.condition())
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
    }};
}

impl Store {
    /// Does all the writes or none.
    ///
    /// A conflict with another transaction is tried again inside a time limit, and so is an unknown outcome: the request's token
    /// makes sure that it is done once. A condition that failed is not tried again.
    ///
    /// # Errors
    /// What the failed condition's writer said, or the database's own trouble.
    pub async fn transact<C: Clone>(&self, transaction: Transaction<C>) -> Result<(), Rejected<C>> {
        let items: Result<Vec<_>, _> =
            transaction.writes.iter().map(|(write, _)| self.item(write)).collect();
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items?))
            .client_request_token(token()?);
        let mut retry = Retry::start();
        loop {
            let Err(error) = request.clone().send().await else { return Ok(()) };
            let fault = match first(cancellation(&error)) {
                None => StoreFault::of(error, Effect::Write),
                Some((at, "ConditionalCheckFailed")) => {
                    return Err(match transaction.writes.get(at) {
                        Some((_, Some(meaning))) => Rejected::Condition(meaning.clone()),
                        _ => StoreFault::Refused(error.into()).into(),
                    });
                }
                Some((_, reason)) if passes(reason) => StoreFault::Unavailable(error.into()),
                Some(_) => StoreFault::Refused(error.into()),
            };
            let hopeless = matches!(fault, StoreFault::Refused(_) | StoreFault::Item(_));
            if hopeless || !retry.again().await {
                return Err(fault.into());
            }
        }
    }

    /// Does one write, at half the price of a transaction.
    ///
    /// The SDK sends it again when an answer was lost, and then a condition fails because the write was done: it is known by the
    /// `writeId` that it left, and counts as done. Its outcome can still stay unknown: then whoever asks again has to bear that
    /// it was done already.
    ///
    /// # Errors
    /// `meaning` when a condition did not hold, or the database's own trouble.
    pub async fn write<C>(&self, write: Write, meaning: C) -> Result<(), Rejected<C>> {
        self.write_or_stop(write).await?.map_err(|_| Rejected::Condition(meaning))
    }

    /// The same for a writer who wants to know what stands there instead.
    ///
    /// # Errors
    /// The item for which a condition did not hold, if there is one; or the database's own trouble.
    pub async fn write_or_find<K: Key>(
        &self,
        write: Write,
    ) -> Result<(), Rejected<Option<K::Item>>> {
        let Err(found) = self.write_or_stop(write).await? else { return Ok(()) };
        let found = found.map(serde_dynamo::from_item).transpose().map_err(StoreFault::from)?;
        Err(Rejected::Condition(found))
    }

    /// Updates an item and answers what it has set; none if a condition did not hold. One whose answer is lost may be done
    /// twice: it is for what may be.
    pub(crate) async fn write_and_see<T: DeserializeOwned>(
        &self,
        write: &Write,
    ) -> Result<Option<T>, StoreFault> {
        let mut retry = Retry::start();
        loop {
            let request = self.update(write, write.checked()?);
            let answer = request.return_values(ReturnValue::UpdatedNew).send().await;
            let seen = answer.as_ref().ok().and_then(|answer| answer.attributes.clone());
            match outcome(answer)? {
                Once::Done => {
                    return Ok(Some(serde_dynamo::from_item(seen.unwrap_or_default())?));
                }
                Once::ConditionFailed(_) => return Ok(None),
                Once::Busy(fault) if !retry.again().await => return Err(fault),
                Once::Busy(_) => {}
            }
        }
    }

    /// Puts an item, in place of what is there.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn put<K: Key>(&self, key: &K, item: &K::Item) -> Result<(), StoreFault> {
        // It has no condition.
        was_done(self.write(Write::put(key, item), ()).await)?;
        Ok(())
    }

    async fn write_or_stop(
        &self,
        write: Write,
    ) -> Result<Result<(), Option<Attributes>>, StoreFault> {
        let id = AttributeValue::B(Blob::new(random::<8>()?));
        let write = write.identified(&id);
        let mut retry = Retry::start();
        loop {
            match self.write_once(&write).await? {
                Once::Done => return Ok(Ok(())),
                Once::ConditionFailed(Some(item)) if write::has_id(&item, &id) => {
                    return Ok(Ok(()));
                }
                Once::ConditionFailed(found) => return Ok(Err(found)),
                Once::Busy(fault) if !retry.again().await => return Err(fault),
                Once::Busy(_) => {}
            }
        }
    }

    async fn write_once(&self, write: &Write) -> Result<Once, StoreFault> {
        let attributes = write.checked()?;
        let found = ReturnValuesOnConditionCheckFailure::AllOld;
        match write.change {
            Change::Put => {
                let request = common!(self, write, self.client.put_item()).set_item(attributes);
                outcome(request.return_values_on_condition_check_failure(found).send().await)
            }
            Change::Update => {
                let request = self.update(write, attributes);
                outcome(request.return_values_on_condition_check_failure(found).send().await)
            }
            Change::Delete => {
                let request = common!(self, write, self.client.delete_item()).set_key(attributes);
                outcome(request.return_values_on_condition_check_failure(found).send().await)
            }
            Change::Check => Err(StoreFault::Refused("a check belongs into a transaction".into())),
        }
    }

    fn update(&self, write: &Write, key: Option<Attributes>) -> UpdateItemFluentBuilder {
        let request = common!(self, write, self.client.update_item()).set_key(key);
        request.set_update_expression(write.update_expression())
    }

    fn item(&self, write: &Write) -> Result<TransactWriteItem, StoreFault> {
        let attributes = write.checked()?;
        let refused = |error: BuildError| StoreFault::Refused(error.into());
        let item = TransactWriteItem::builder();
        let item = match write.change {
            Change::Put => {
                let put = common!(self, write, Put::builder()).set_item(attributes);
                item.put(put.build().map_err(refused)?)
            }
            Change::Update => {
                let update = common!(self, write, Update::builder()).set_key(attributes);
                let update = update.set_update_expression(write.update_expression());
                item.update(update.build().map_err(refused)?)
            }
            Change::Delete => {
                let delete = common!(self, write, Delete::builder()).set_key(attributes);
                item.delete(delete.build().map_err(refused)?)
            }
            Change::Check => {
                let check = common!(self, write, ConditionCheck::builder()).set_key(attributes);
                item.condition_check(check.build().map_err(refused)?)
            }
        };
        Ok(item.build())
    }
}

/// What DynamoDB tells one transaction from another by.
fn token() -> Result<String, StoreFault> {
    Ok(format!("{:032x}", u128::from_ne_bytes(random()?)))
}

/// From the operating system: two processes that a generator had given one token would be taken for one.
fn random<const N: usize>() -> Result<[u8; N], StoreFault> {
    let mut random = [0; N];
    // It can't be wrapped: it is no `std::error::Error`.
    getrandom::fill(&mut random).map_err(|error| StoreFault::Refused(error.to_string().into()))?;
    Ok(random)
}

enum Once {
    Done,
    ConditionFailed(Option<Attributes>),
    Busy(StoreFault),
}

fn outcome<T, E, R>(answer: Result<T, SdkError<E, R>>) -> Result<Once, StoreFault>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let Err(error) = answer else { return Ok(Once::Done) };
    // The errors of put, update and delete are three types; what is inside is one.
    let inside = error.as_service_error().and_then(Error::source);
    if let Some(failed) = inside.and_then(<dyn Error>::downcast_ref) {
        let ConditionalCheckFailedException { item, .. }: &ConditionalCheckFailedException = failed;
        return Ok(Once::ConditionFailed(item.clone()));
    }
    match StoreFault::of(error, Effect::Write) {
        fault @ StoreFault::Unavailable(_) => Ok(Once::Busy(fault)),
        fault => Err(fault),
    }
}

/// Why a transaction was cancelled: one reason for each of its writes. Empty when it failed otherwise.
fn cancellation<R>(error: &SdkError<TransactWriteItemsError, R>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}

/// The first write that did not pass, and why. It decides: while another transaction is half done, one of our writes meets it
/// as a conflict and a later one as a condition that failed, and the earlier write says better what that means.
fn first(reasons: &[CancellationReason]) -> Option<(usize, &str)> {
    let told = |reason: &'_ CancellationReason| reason.code().is_some_and(|code| code != "None");
    let at = reasons.iter().position(told)?;
    Some((at, reasons[at].code()?))
}

/// Whether time alone makes this reason go away.
fn passes(reason: &str) -> bool {
    matches!(reason, "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_that_started_alike_do_not_share_a_token() {
        let started = || {
            fastrand::seed(7);
            token().unwrap()
        };
        let token = started();
        assert_eq!(token.len(), 32, "{token}: DynamoDB takes at most 36");
        assert_ne!(token, started());
    }

    #[test]
    fn the_first_write_that_did_not_pass_decides() {
        let reasons = |codes: &[&str]| -> Vec<_> {
            codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect()
        };
        for (codes, decides) in [
            (&[][..], None),
            (&["None", "None"], None),
            (&["None", "ConditionalCheckFailed"], Some((1, "ConditionalCheckFailed"))),
            (&["TransactionConflict", "ConditionalCheckFailed"], Some((0, "TransactionConflict"))),
            (
                &["ConditionalCheckFailed", "TransactionConflict"],
                Some((0, "ConditionalCheckFailed")),
            ),
        ] {
            assert_eq!(first(&reasons(codes)), decides, "{codes:?}");
        }
    }
}
