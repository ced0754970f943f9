//! Worker on the stream of sales: sends what has a deadline to its queue, and publishes what happened for the other parts.

use std::{convert::Infallible, time::Duration};

use api::{Batch, Worker, give_up, pass_over};
use aws_lambda_events::event::dynamodb;
use domain::{
    id::{EventId, MemberId, PaymentId},
    payment::{Purpose, State},
    time::Time,
    won::Won,
};
use gateways::{Bus, DomainEvent, Message, Queue};
use serde::Serialize;
use store::{Change, Unreadable, changes, sales::payment::Payment};

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
    purpose: Purpose,
    /// Of tickets.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<EventId>,
    /// Of tickets and of a sponsorship.
    #[serde(skip_serializing_if = "Option::is_none")]
    artist_id: Option<MemberId>,
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
    let given_up = |unreadable: &Unreadable| give_up(&unreadable.record, unreadable);
    let readable = changes(batch).filter_map(|change| change.inspect_err(given_up).ok());
    let reached: Vec<_> = readable.filter_map(new_state).collect();
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
    failed.note(records, queue.send_all(&messages).await);
}

async fn publish(bus: &Bus, reached: &[(String, Payment)], failed: &mut Batch) {
    let (mut records, mut events) = (Vec::new(), Vec::new());
    for (record, payment) in reached {
        let Some(name) = name(payment.state) else {
            pass_over(record, "the payment is in a state that only a newer program knows");
            continue;
        };
        match DomainEvent::new("spotlight.sales", name, &Detail::of(name, payment)) {
            Ok(event) => {
                records.push(record);
                events.push(event);
            }
            Err(error) => failed.failed(record, error),
        }
    }
    failed.note(records, bus.publish(&events).await);
}

/// A record's payment, if it has come to another state with it, or if tickets went back: a refund of no cash is over at once, and
/// what was partially refunded before stays so.
fn new_state(Change { record, before, after }: Change<Payment>) -> Option<(String, Payment)> {
    let payment = after?;
    let was = before.map(|before| (before.state, before.refunds.len()));
    (was != Some((payment.state, payment.refunds.len()))).then_some((record, payment))
}

/// What a payment's new state is called on the bus.
fn name(state: State) -> Option<&'static str> {
    Some(match state {
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
        State::Unknown => return None,
    })
}

impl Detail {
    fn of(name: &str, payment: &Payment) -> Self {
        Self {
            id: format!("{name}:{}:{}", payment.id, payment.version),
            payment_id: payment.id,
            version: payment.version,
            member_id: payment.member_id,
            purpose: payment.subject.purpose(),
            event_id: payment.booking().map(|it| it.event_id),
            artist_id: payment.subject.artist_id(),
            quantity: payment.quantity(),
            cash: payment.amounts.cash,
        }
    }
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(handle)
}

#[cfg(test)]
mod tests {
    use domain::{id::TicketId, payment::amounts, refund::Cause};
    use serde_json::{Value, json};
    use store::{
        catalog::on_sale::OnSale,
        sales::payment::{Booking, Secret, Subject},
    };
    use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

    use super::*;

    fn now() -> Time {
        Time::from_millis(1_800_000_000_000)
    }

    /// A payment of two tickets that has come to this state, and is due so many seconds from now.
    fn payment(state: State, due: Option<i64>) -> Payment {
        let event = stack::event(50, now());
        let quantity = 2.try_into().unwrap();
        let amounts = amounts(event.price, quantity, None, Won::ZERO).unwrap();
        let (buyer, hold_ends_at) = (MemberId::generate(), now().plus(Duration::from_mins(15)));
        let token = Secret("token".into());
        let booking = Booking::of(&OnSale::from(&event), quantity).into();
        let mut payment = Payment::reserved(buyer, booking, amounts, hold_ends_at, token, now());
        (payment.state, payment.version) = (state, 7);
        payment.due_at = due.map(|seconds| Time::from_millis(now().millis() + seconds * 1_000));
        payment
    }

    /// A record of the stream: a payment that came from one state to another.
    fn record(number: usize, before: Option<State>, after: &Payment) -> Value {
        let image =
            |payment: &Payment| serde_dynamo::to_item::<_, serde_dynamo::Item>(payment).unwrap();
        let before = before.map(|state| {
            let mut payment = after.clone();
            payment.state = state;
            image(&payment)
        });
        json!({
            "awsRegion": "ap-northeast-2", "eventID": number.to_string(), "eventName": "MODIFY",
            "dynamodb": {
                "Keys": { "pk": { "S": format!("PAY#{}", after.id) }, "sk": { "S": "PAYMENT" } },
                "OldImage": before, "NewImage": image(after),
                "SequenceNumber": number.to_string(), "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        })
    }

    const SQS: &str = "AmazonSQS.SendMessageBatch";
    const EVENT_BRIDGE: &str = "AWSEvents.PutEvents";

    /// SQS and EventBridge, of which one (by its target) does not take what names one payment.
    async fn outside(refuses: Option<(&'static str, PaymentId)>) -> MockServer {
        let answer = move |request: &Request| {
            let target = request.headers["X-Amz-Target"].to_str().unwrap();
            let body: Value = request.body_json().unwrap();
            let fails = |entry: &Value| {
                refuses.is_some_and(|(at, id)| {
                    at == target && entry.to_string().contains(&id.to_string())
                })
            };
            let (failed, taken): (Vec<_>, Vec<_>) =
                body["Entries"].as_array().unwrap().iter().partition(|entry| fails(entry));
            if target == EVENT_BRIDGE {
                let entry = |entry: &Value| match fails(entry) {
                    true => json!({ "ErrorCode": "InternalFailure", "ErrorMessage": "no" }),
                    false => json!({ "EventId": "1" }),
                };
                let entries: Vec<_> =
                    body["Entries"].as_array().unwrap().iter().map(entry).collect();
                return ResponseTemplate::new(200).set_body_json(
                    json!({ "FailedEntryCount": failed.len(), "Entries": entries }),
                );
            }
            let failed = failed.iter().map(
                |entry| json!({ "Id": entry["Id"], "Code": "InternalError", "SenderFault": false }),
            );
            let taken = taken.iter().map(
                |entry| json!({ "Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "" }),
            );
            ResponseTemplate::new(200).set_body_json(json!({ "Successful": taken.collect::<Vec<_>>(), "Failed": failed.collect::<Vec<_>>() }))
        };
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        server
    }

    fn clients(server: &MockServer) -> Clients {
        let aws = stack::aws(&server.uri());
        (
            Queue::new(&aws, "http://127.0.0.1/holds".into()),
            Queue::new(&aws, "http://127.0.0.1/reconcile".into()),
            Bus::new(&aws, "test".into()),
        )
    }

    /// Relays records and answers the sequence numbers that come again.
    async fn relay(clients: &Clients, records: &[Value]) -> Vec<String> {
        let batch = serde_json::from_value(json!({ "Records": records })).unwrap();
        let failed = serde_json::to_value(super::relay(clients, batch, now()).await).unwrap();
        let number = |failure: &Value| failure["itemIdentifier"].as_str().unwrap().to_owned();
        failed["batchItemFailures"].as_array().unwrap().iter().map(number).collect()
    }

    /// The calls to a service that arrived: the queue's address, if it is one, and the entries.
    async fn calls(server: &MockServer, target: &str) -> Vec<(String, Vec<Value>)> {
        let calls = server.received_requests().await.unwrap().into_iter();
        let call = |request: Request| {
            let body: Value = request.body_json().unwrap();
            (
                body["QueueUrl"].as_str().unwrap_or_default().to_owned(),
                body["Entries"].as_array().unwrap().clone(),
            )
        };
        calls.filter(|request| request.headers["X-Amz-Target"] == target).map(call).collect()
    }

    #[test]
    fn each_state_that_a_payment_reaches_has_a_name_and_an_id_that_stays_when_it_is_published_twice()
     {
        let names = [
            (State::Reserved, "PaymentReserved"),
            (State::Ready, "PaymentReady"),
            (State::Approving, "PaymentApproving"),
            (State::Approved, "PaymentApproved"),
            (State::Refunding, "PaymentRefunding"),
            (State::PartiallyRefunded, "PaymentPartiallyRefunded"),
            (State::Refunded, "PaymentRefunded"),
            (State::Failed, "PaymentFailed"),
            (State::Expired, "PaymentExpired"),
            (State::Cancelled, "PaymentCancelled"),
        ];
        assert_eq!(names.map(|(state, _)| state), State::ALL);
        stack::run(async {
            let server = outside(None).await;
            let payments = names.map(|(state, _)| payment(state, None));
            let before = |state| match state {
                State::Reserved => None,
                State::Approving => Some(State::Ready),
                _ => Some(State::Approving),
            };
            let records: Vec<_> = payments
                .iter()
                .enumerate()
                .map(|(number, payment)| record(number, before(payment.state), payment))
                .collect();
            for _ in 0..2 {
                assert!(relay(&clients(&server), &records).await.is_empty());
            }
            let calls = calls(&server, EVENT_BRIDGE).await;
            assert_eq!(calls[0], calls[1]);
            for (entry, ((_, name), payment)) in calls[0].1.iter().zip(names.iter().zip(&payments))
            {
                assert_eq!(
                    (&entry["Source"], &entry["EventBusName"]),
                    (&json!("spotlight.sales"), &json!("test"))
                );
                assert_eq!(entry["DetailType"], *name);
                let detail: Value =
                    serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
                let expected = json!({
                    "id": format!("{name}:{}:7", payment.id), "paymentId": payment.id, "version": 7,
                    "memberId": payment.member_id, "purpose": "TICKETS",
                    "eventId": payment.booking().unwrap().event_id, "artistId": payment.booking().unwrap().artist_id,
                    "quantity": 2, "cash": 60_000,
                });
                assert_eq!(detail, expected);
            }
        });
    }

    #[test]
    fn what_has_a_deadline_is_sent_to_arrive_at_it_and_a_quarter_of_an_hour_from_now_at_most() {
        stack::run(async {
            for (state, due, queue, delay) in [
                (State::Reserved, Some(300), "holds", 300),
                (State::Reserved, Some(3_600), "holds", 900),
                (State::Reserved, Some(-5), "holds", 0),
                (State::Approving, Some(60), "reconcile", 60),
                (State::Refunding, Some(60), "reconcile", 60),
            ] {
                let server = outside(None).await;
                let payment = payment(state, due);
                assert!(relay(&clients(&server), &[record(1, None, &payment)]).await.is_empty());
                let sent = calls(&server, SQS).await;
                let [(url, entries)] = &sent[..] else { panic!("{state}: {sent:?}") };
                assert_eq!(*url, format!("http://127.0.0.1/{queue}"), "{state}");
                let entries: Vec<_> = entries
                    .iter()
                    .map(|entry| (&entry["MessageBody"], &entry["DelaySeconds"]))
                    .collect();
                let message = json!({ "paymentId": payment.id }).to_string();
                assert_eq!(entries, [(&json!(message), &json!(delay))], "{state}");
            }
            let server = outside(None).await;
            let settled = State::ALL
                .iter()
                .filter(|state| **state != State::Reserved && !state.is_in_between());
            let records: Vec<_> =
                settled.map(|state| record(1, None, &payment(*state, Some(60)))).collect();
            assert!(relay(&clients(&server), &records).await.is_empty());
            assert_eq!(calls(&server, SQS).await, []);
        });
    }

    #[test]
    fn all_go_ten_in_a_call() {
        stack::run(async {
            let server = outside(None).await;
            let records: Vec<_> = (0..25)
                .map(|number| record(number, None, &payment(State::Reserved, Some(900))))
                .collect();
            assert!(relay(&clients(&server), &records).await.is_empty());
            for target in [SQS, EVENT_BRIDGE] {
                let sizes: Vec<_> =
                    calls(&server, target).await.iter().map(|(_, entries)| entries.len()).collect();
                assert_eq!(sizes, [10, 10, 5], "{target}");
            }
        });
    }

    #[test]
    fn what_is_not_taken_comes_again_alone() {
        stack::run(async {
            let payments = [State::Reserved, State::Approving, State::Approved, State::Reserved]
                .map(|state| payment(state, Some(60)));
            let records: Vec<_> = (0..)
                .zip(&payments)
                .map(|(number, payment)| record(number, None, payment))
                .collect();
            let at_queues = [0, 1, 3].map(|number| (SQS, number));
            let at_bus = [0, 1, 2, 3].map(|number| (EVENT_BRIDGE, number));
            for (target, number) in at_queues.into_iter().chain(at_bus) {
                let server = outside(Some((target, payments[number].id))).await;
                let again = relay(&clients(&server), &records).await;
                assert_eq!(again, [number.to_string()], "{target}");
            }
        });
    }

    #[test]
    fn what_can_not_be_read_or_named_is_passed_over_and_its_neighbours_are_published_once() {
        stack::run(async {
            let server = outside(None).await;
            let mut records = [1, 2, 3, 4]
                .map(|number| record(number, None, &payment(State::Reserved, Some(60))));
            records[0]["dynamodb"]["NewImage"]["price"] = json!({ "S": "much" });
            records[1]["dynamodb"]["NewImage"]["state"]["S"] = "SCREENED".into();
            records[2]["dynamodb"]["NewImage"]["purpose"]["S"] = "CHARITY".into();
            assert!(relay(&clients(&server), &records).await.is_empty(), "it would be the same");
            assert_eq!(calls(&server, SQS).await[0].1.len(), 2);
            let calls = calls(&server, EVENT_BRIDGE).await;
            let names: Vec<_> = calls[0].1.iter().map(|entry| &entry["DetailType"]).collect();
            assert_eq!(names, ["PaymentReserved"; 2]);
        });
    }

    #[test]
    fn while_nobody_answers_all_come_again() {
        stack::run(async {
            let server = MockServer::start().await;
            Mock::given(any()).respond_with(ResponseTemplate::new(503)).mount(&server).await;
            let records = [State::Approved, State::Cancelled]
                .map(|state| record(state as usize, None, &payment(state, None)));
            assert_eq!(relay(&clients(&server), &records).await.len(), 2);
        });
    }

    #[test]
    fn what_is_no_payment_or_no_new_state_is_passed_over() {
        stack::run(async {
            let server = outside(None).await;
            let payment = payment(State::Approving, Some(60));
            let mut ticket = record(1, None, &payment);
            ticket["dynamodb"]["Keys"]["sk"]["S"] = "TICKET".into();
            let attempted = record(2, Some(State::Approving), &payment);
            let mut removed = record(3, Some(State::Ready), &payment);
            removed["dynamodb"]["NewImage"] = Value::Null;
            assert!(relay(&clients(&server), &[ticket, attempted, removed]).await.is_empty());
            assert!(server.received_requests().await.unwrap().is_empty());
        });
    }

    #[test]
    fn each_refund_is_told_though_the_payment_stays_in_its_state() {
        let mut before = payment(State::PartiallyRefunded, None);
        let ids: Vec<_> = (0..2).map(|_| TicketId::generate()).collect();
        if let Subject::Tickets(booking) = &mut before.subject {
            booking.ticket_ids.clone_from(&ids);
        }
        let mut after = before.clone();
        after.refunds.push(before.refund(vec![ids[0]], Cause::BuyerAsked, now()).unwrap());
        for (was, told) in [(before, Some(after.clone())), (after.clone(), None)] {
            let (before, after) = (Some(was), Some(after.clone()));
            let change = Change { record: "1".to_owned(), before, after };
            assert_eq!(new_state(change).map(|(_, payment)| payment), told);
        }
    }

    #[test]
    fn what_is_relayed_arrives_on_the_queue_and_on_the_bus() {
        stack::run(async {
            let aws = stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap());
            let (sqs, events) =
                (aws_sdk_sqs::Client::new(&aws), aws_sdk_eventbridge::Client::new(&aws));
            let payment = payment(State::Reserved, Some(0));
            let queue = async |name: &str| {
                let made =
                    sqs.create_queue().queue_name(format!("{}-{name}", payment.id)).send().await;
                made.unwrap().queue_url.unwrap()
            };
            let (holds, reconciliations, heard) =
                (queue("holds").await, queue("reconcile").await, queue("heard").await);
            let bus = payment.id.to_string();
            events.create_event_bus().name(&bus).send().await.unwrap();
            let pattern = json!({ "source": ["spotlight.sales"] }).to_string();
            events
                .put_rule()
                .name("all")
                .event_bus_name(&bus)
                .event_pattern(pattern)
                .send()
                .await
                .unwrap();
            let name = aws_sdk_sqs::types::QueueAttributeName::QueueArn;
            let attributes = sqs
                .get_queue_attributes()
                .queue_url(&heard)
                .attribute_names(name.clone())
                .send()
                .await
                .unwrap();
            let arn = &attributes.attributes.unwrap()[&name];
            let target =
                aws_sdk_eventbridge::types::Target::builder().id("heard").arn(arn).build().unwrap();
            events
                .put_targets()
                .rule("all")
                .event_bus_name(&bus)
                .targets(target)
                .send()
                .await
                .unwrap();

            let clients = (
                Queue::new(&aws, holds.clone()),
                Queue::new(&aws, reconciliations),
                Bus::new(&aws, bus),
            );
            assert!(relay(&clients, &[record(1, None, &payment)]).await.is_empty());

            let received = async |url: &str| {
                let received =
                    sqs.receive_message().queue_url(url).wait_time_seconds(20).send().await;
                received.unwrap().messages.unwrap().remove(0).body.unwrap()
            };
            assert_eq!(received(&holds).await, json!({ "paymentId": payment.id }).to_string());
            let event: Value = serde_json::from_str(&received(&heard).await).unwrap();
            assert_eq!(event["detail-type"], "PaymentReserved");
            assert_eq!(event["detail"]["paymentId"], json!(payment.id));
        });
    }
}
