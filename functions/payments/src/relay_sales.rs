//! Worker on the stream of sales: sends what has a deadline to its queue, and tells the other parts what happened.

use std::{fmt::Display, time::Duration};

use api::{Batch, Worker};
use aws_lambda_events::event::dynamodb;
use domain::{
    id::{EventId, MemberId, PaymentId},
    payment::State,
    time::Time,
    won::Won,
};
use gateways::{Bus, Queue};
use serde::Serialize;
use store::sales::payment::Payment;

use crate::message::{HoldEnds, Reconcile};

/// Where it tells.
type Clients = (Queue<HoldEnds>, Queue<Reconcile>, Bus);

/// What is told of a payment. Whoever needs more reads the table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// The same for the same change, however often it is told: consumers remember it.
    id: String,
    payment_id: PaymentId,
    version: u64,
    member_id: MemberId,
    event_id: EventId,
    artist_id: MemberId,
    quantity: u32,
    cash: Won,
}

/// Relays a batch, at least once. What could not be relayed comes again, with everything after it.
///
/// # Errors
/// None: every failure is its record's.
pub async fn handle(
    clients: Clients,
    batch: dynamodb::Event,
) -> Result<Batch, std::convert::Infallible> {
    let (_, _, bus) = &clients;
    let mut failed = Batch::default();
    let mut told = Vec::new();
    for change in batch.records.into_iter().map(|record| record.change) {
        let record = change.sequence_number.clone().unwrap_or_default();
        let payment = match reached(change) {
            Ok(Some(payment)) => payment,
            Ok(None) => continue,
            Err(error) => {
                failed.failed(&record, error);
                continue;
            }
        };
        if let Err(error) = remind(&clients, &payment, Time::now()).await {
            failed.failed(&record, error);
            continue;
        }
        match bus.told(record.clone(), "spotlight.sales", name(payment.state), &Told::of(&payment))
        {
            Ok(entry) => told.push(entry),
            Err(error) => failed.failed(&record, error),
        }
    }
    for (record, cause) in bus.put(&told).await {
        failed.failed(&record, cause);
    }
    Ok(failed)
}

/// The payment of a record, if it has come to another state with it.
fn reached(change: dynamodb::StreamRecord) -> Result<Option<Payment>, serde_dynamo::Error> {
    let is_payment = matches!(change.keys.get("sk"), Some(serde_dynamo::AttributeValue::S(sk)) if sk == "PAYMENT");
    if !is_payment || change.new_image.is_empty() {
        return Ok(None);
    }
    let payment: Payment = serde_dynamo::from_item(change.new_image)?;
    let before = match change.old_image.is_empty() {
        true => None,
        false => Some(serde_dynamo::from_item::<_, Payment>(change.old_image)?.state),
    };
    Ok((before != Some(payment.state)).then_some(payment))
}

/// Sends the payment to whoever looks at it when its time has come.
async fn remind(
    (holds, reconciliations, _): &Clients,
    payment: &Payment,
    now: Time,
) -> Result<(), impl Display + use<>> {
    let payment_id = payment.id;
    let rest = payment.due_at.map_or(Duration::ZERO, |due| now.until(due));
    match payment.state {
        State::Reserved => holds.send(&HoldEnds { payment_id }, rest).await,
        State::Approving | State::Refunding => {
            reconciliations.send(&Reconcile { payment_id }, rest).await
        }
        _ => Ok(()),
    }
}

/// What a payment's new state is called on the bus.
fn name(state: State) -> &'static str {
    match state {
        State::Reserved => "PaymentReserved",
        State::Ready => "PaymentReady",
        State::Approving => "PaymentApproving",
        State::Approved => "PaymentApproved",
        State::Refunding => "PaymentRefunding",
        State::PartiallyRefunded => "PaymentPartiallyRefunded",
        State::Refunded => "PaymentRefunded",
        State::Failed => "PaymentFailed",
        State::Expired => "PaymentExpired",
        State::Cancelled => "PaymentCancelled",
    }
}

impl Told {
    fn of(payment: &Payment) -> Self {
        Self {
            id: format!("{}:{}:{}", name(payment.state), payment.id, payment.version),
            payment_id: payment.id,
            version: payment.version,
            member_id: payment.member_id,
            event_id: payment.event_id,
            artist_id: payment.artist_id,
            quantity: payment.quantity.get(),
            cash: payment.amounts.cash,
        }
    }
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(handle)
}
