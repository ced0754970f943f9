//! Worker on the stream of sales: sends what has a deadline to its queue, and publishes what happened for the other parts.

use std::{convert::Infallible, time::Duration};

use api::{Batch, Worker};
use aws_lambda_events::event::dynamodb;
use domain::{
    id::{EventId, MemberId, PaymentId},
    payment::State,
    time::Time,
    won::Won,
};
use gateways::{Bus, DomainEvent, Message, Queue};
use serde::Serialize;
use store::sales::payment::Payment;

use crate::message::{HoldEnds, Reconcile};

/// Where it sends, and where it publishes.
type Clients = (Queue<HoldEnds>, Queue<Reconcile>, Bus);

/// What an event says of a payment. Whoever needs more reads the table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    /// The same for the same change, however often it is published: consumers remember it.
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
pub async fn handle(clients: Clients, batch: dynamodb::Event) -> Result<Batch, Infallible> {
    Ok(relay(&clients, batch, Time::now()).await)
}

async fn relay(
    (holds, reconciliations, bus): &Clients,
    batch: dynamodb::Event,
    now: Time,
) -> Batch {
    let mut failed = Batch::default();
    let mut reached = Vec::new();
    for change in batch.records.into_iter().map(|record| record.change) {
        let record = change.sequence_number.clone().unwrap_or_default();
        match new_state(change) {
            Ok(Some(payment)) => reached.push((record, payment)),
            Ok(None) => {}
            Err(error) => failed.failed(&record, error),
        }
    }
    let hold_ends = |payment: &Payment| {
        (payment.state == State::Reserved).then_some(HoldEnds { payment_id: payment.id })
    };
    enqueue(holds, hold_ends, &reached, now, &mut failed).await;
    let reconcile = |payment: &Payment| {
        payment.state.is_in_between().then_some(Reconcile { payment_id: payment.id })
    };
    enqueue(reconciliations, reconcile, &reached, now, &mut failed).await;
    publish(bus, &reached, &mut failed).await;
    failed
}

/// Sends the messages that the new states ask for, each to arrive when its payment is due.
async fn enqueue<M: Message>(
    queue: &Queue<M>,
    message: impl Fn(&Payment) -> Option<M>,
    reached: &[(String, Payment)],
    now: Time,
    failed: &mut Batch,
) {
    let (mut records, mut messages) = (Vec::new(), Vec::new());
    for (record, payment) in reached {
        if let Some(message) = message(payment) {
            records.push(record);
            messages.push((message, payment.due_at.map_or(Duration::ZERO, |due| now.until(due))));
        }
    }
    for (record, sent) in records.into_iter().zip(queue.send_all(&messages).await) {
        if let Err(error) = sent {
            failed.failed(record, error);
        }
    }
}

async fn publish(bus: &Bus, reached: &[(String, Payment)], failed: &mut Batch) {
    let (mut records, mut events) = (Vec::new(), Vec::new());
    for (record, payment) in reached {
        match DomainEvent::new("spotlight.sales", name(payment.state), &Detail::of(payment)) {
            Ok(event) => {
                records.push(record);
                events.push(event);
            }
            Err(error) => failed.failed(record, error),
        }
    }
    for (record, published) in records.into_iter().zip(bus.publish(&events).await) {
        if let Err(error) = published {
            failed.failed(record, error);
        }
    }
}

/// The payment of a record, if it has come to another state with it.
fn new_state(change: dynamodb::StreamRecord) -> Result<Option<Payment>, serde_dynamo::Error> {
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

impl Detail {
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
