//! Worker on the queue of what became of payments: tells buyers by mail, and with it in their inbox, and artists of each sale and of
//! what they are given.
//!
//! What is told follows from the payment as it is, and each of it has a name of its own, so that it is told once, however often and in
//! whatever order the bus says that something happened.

use std::time::Duration;

use api::Worker;
use domain::{
    id::PaymentId,
    notification::Kind,
    payment::{State, Step},
    refund::Cause,
    time::Time,
};
use gateways::{MailMessage, Queue};
use serde::Deserialize;
use store::{
    Store,
    inbox::{
        mail::{About, Mail},
        notification::{Event, Notification},
        telling::Telling,
    },
    sales::payment::{Booking, Payment, PaymentKey, Refund, Subject},
};

use crate::Failure;

/// No message is older than this. What happened before was told, and a mail is not known for ever.
const TOLD: Duration = Duration::from_hours(24 * 14);

/// A domain event as EventBridge brings it.
#[derive(Debug, Deserialize)]
pub struct Moved {
    detail: Detail,
}

/// What the bus says of a payment. All else the table knows better.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    payment_id: PaymentId,
}

/// Tells what there is to tell of a payment.
///
/// # Errors
/// When something could not be told: the message comes again.
pub async fn handle(
    (store, mail): (Store, Queue<MailMessage>),
    Moved { detail }: Moved,
) -> Result<(), Failure> {
    let Some(payment) = store.get(&PaymentKey(detail.payment_id)).await? else { return Ok(()) };
    let tellings = tellings(&payment, Time::now());
    if tellings.is_empty() {
        return Ok(());
    }
    let to_send = store.tell(&tellings).await?.into_iter();
    let messages: Vec<_> = to_send.map(|id| (MailMessage::Mail(id), Duration::ZERO)).collect();
    mail.send_all(&messages).await.into_iter().collect::<Result<(), _>>()?;
    Ok(())
}

/// All that there is to tell of a payment as it is: mail of each step, and of tickets the same in the inbox.
fn tellings(payment: &Payment, now: Time) -> Vec<Telling> {
    let payment_id = payment.id;
    let mut all = Vec::new();
    let is_paid =
        payment.history.iter().any(|it| matches!(it.step, Step::Approve | Step::ApproveFree));
    if is_paid {
        let (name, at) = (format!("Approved:{payment_id}"), payment.bought_at());
        let about = About::Receipt { payment_id };
        let tickets = payment.quantity();
        let mut receipt = telling(payment, Kind::PaymentApproved, about, &name, at, tickets);
        match &payment.subject {
            Subject::Tickets(booking) if booking.artist_id != payment.member_id => {
                let mut sold = Notification::about(event(booking), Kind::TicketSold, &name, at);
                sold.tickets = Some(tickets);
                receipt.notifications.push((booking.artist_id, sold));
            }
            Subject::Sponsorship(gift) => {
                let amount = payment.amounts.cash;
                let given = Notification::sponsored(payment.member_id, amount, &name, at);
                receipt.notifications.push((gift.artist_id, given));
            }
            Subject::Tickets(_) | Subject::Points | Subject::Unknown => {}
        }
        all.push(receipt);
    }
    let cancelled = payment.refunds.iter().find(|refund| refund.cause == Cause::EventCancelled);
    if let Some(Refund { ticket_ids, at, .. }) = cancelled {
        let (name, about) =
            (format!("Cancelled:{payment_id}"), About::EventCancelled { payment_id });
        let tickets = ticket_ids.len() as u32;
        all.push(telling(payment, Kind::EventCancelled, about, &name, *at, tickets));
    }
    let under_way = usize::from(payment.state == State::Refunding);
    let over = payment.refunds.len().saturating_sub(under_way);
    for (number, Refund { ticket_ids, at, .. }) in (0..).zip(&payment.refunds[..over]) {
        let name = format!("Refunded:{payment_id}:{number}");
        let about = About::Refunded { payment_id, number };
        let tickets = ticket_ids.len() as u32;
        all.push(telling(payment, Kind::PaymentRefunded, about, &name, *at, tickets));
    }
    all.retain(|telling| telling.mail.created_at.plus(TOLD) > now);
    all
}

/// A mail to the buyer, with the same in their inbox if it is about an event.
fn telling(
    payment: &Payment,
    kind: Kind,
    about: About,
    name: &str,
    at: Time,
    tickets: u32,
) -> Telling {
    let (buyer, language) = (payment.member_id, payment.language);
    let mail = Mail::named(name, buyer, about, language, at);
    let notification = payment.booking().map(|booking| {
        let mut notification = Notification::about(event(booking), kind, name, at);
        (notification.payment_id, notification.tickets) = (Some(payment.id), Some(tickets));
        (buyer, notification)
    });
    Telling { mail, notifications: Vec::from_iter(notification) }
}

fn event(booking: &Booking) -> Event {
    Event { id: booking.event_id, title: booking.event_title.clone() }
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{
        id::{MemberId, TicketId},
        language::Language,
        member::Role,
        payment::{Amounts, amounts},
        won::Won,
    };
    use futures::future::join_all;
    use serde_json::{Value, json};
    use stack::OwnQueue;
    use store::{
        Write,
        identity::member::MemberKey,
        inbox::mail::{MailKey, MailState},
        sales::payment::{Gift, Secret},
    };

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    /// A purchase of two tickets that is paid.
    fn paid(now: Time) -> Payment {
        let (event, quantity) = (stack::event(50, now), 2.try_into().unwrap());
        let amounts = amounts(event.price, quantity, None, Won::ZERO).unwrap();
        let (buyer, token) = (MemberId::generate(), Secret("token".into()));
        let subject = Booking::of(&(&event).into(), quantity).into();
        let held = Payment::reserved(buyer, subject, amounts, now, token, now);
        let ready = held.after(Step::MakeReady, now).unwrap();
        let approving = ready.after(Step::StartApproval, now).unwrap();
        let mut paid = approving.after(Step::Approve, now).unwrap();
        paid.language = Language::English;
        booking(&mut paid).ticket_ids = (0..2).map(|_| TicketId::generate()).collect();
        paid
    }

    fn booking(payment: &mut Payment) -> &mut Booking {
        let Subject::Tickets(booking) = &mut payment.subject else { panic!("tickets") };
        booking
    }

    /// The payment while some of its tickets go back.
    fn going_back(payment: &Payment, tickets: &[usize], cause: Cause, now: Time) -> Payment {
        let ids = tickets.iter().map(|at| payment.ticket_ids()[*at]).collect();
        let mut next = payment.after(Step::StartRefund, now).unwrap();
        next.refunds.push(payment.refund(ids, cause, now).unwrap());
        next
    }

    struct Office {
        prefix: String,
        store: Store,
        queue: OwnQueue,
    }

    impl Office {
        async fn new() -> Self {
            let prefix = stack::own_tables().await;
            let store = Store::new(stack::dynamo(), &prefix);
            Self { prefix, store, queue: OwnQueue::new().await }
        }

        async fn keeps(&self, payment: &Payment) {
            self.store.put(&PaymentKey(payment.id), payment).await.unwrap();
        }

        fn clients(&self, client: store::Client) -> (Store, Queue<MailMessage>) {
            let aws = stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap());
            (Store::new(client, &self.prefix), Queue::new(&aws, self.queue.url.clone()))
        }

        async fn hears_of(&self, payment: &Payment) {
            handle(self.clients(stack::dynamo()), moved(payment)).await.unwrap();
        }

        /// What a member finds, of each kind so often, and how much they have not read.
        async fn told(&self, member: MemberId) -> (BTreeMap<String, usize>, u64) {
            let now = Time::now();
            let page = self.store.notifications_of(member, now, 100, None).await.unwrap();
            let mut told = BTreeMap::new();
            for (notification, _) in page.items {
                *told.entry(notification.kind.to_string()).or_default() += 1;
            }
            (told, self.store.unread_of(member, now).await.unwrap())
        }

        /// What the mails are about, each that there is.
        async fn mails(&self) -> Vec<String> {
            let items = stack::items(&format!("{}-inbox", self.prefix)).await;
            let kind = |item: &Value| item["about"]["kind"].as_str().map(str::to_owned);
            let mut kinds: Vec<_> = items.iter().filter_map(kind).collect();
            kinds.sort();
            kinds
        }
    }

    fn moved(payment: &Payment) -> Moved {
        let detail = json!({ "id": "PaymentApproved:1:2", "paymentId": payment.id, "version": 2 });
        serde_json::from_value(json!({ "detail-type": "PaymentApproved", "detail": detail }))
            .unwrap()
    }

    fn counts(kinds: &[(&str, usize)]) -> BTreeMap<String, usize> {
        kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
    }

    #[test]
    fn each_step_of_a_payment_is_told_once_though_the_bus_says_it_twice_or_late() {
        stack::run(async {
            let (office, now) = (Office::new().await, Time::now());
            let approved = paid(now);
            let going = going_back(&approved, &[1], Cause::BuyerAsked, now);
            let partly = going.refund_done(now).unwrap();
            let cancelled = going_back(&partly, &[0], Cause::EventCancelled, now);
            let refunded = cancelled.refund_done(now).unwrap();
            let receipt = ["RECEIPT"];
            for (payment, mails, told) in [
                (&approved, &receipt[..], counts(&[("PAYMENT_APPROVED", 1)])),
                (&going, &receipt, counts(&[("PAYMENT_APPROVED", 1)])),
                (
                    &partly,
                    &["RECEIPT", "REFUNDED"],
                    counts(&[("PAYMENT_APPROVED", 1), ("PAYMENT_REFUNDED", 1)]),
                ),
                (
                    &cancelled,
                    &["EVENT_CANCELLED", "RECEIPT", "REFUNDED"],
                    counts(&[
                        ("EVENT_CANCELLED", 1),
                        ("PAYMENT_APPROVED", 1),
                        ("PAYMENT_REFUNDED", 1),
                    ]),
                ),
                (
                    &refunded,
                    &["EVENT_CANCELLED", "RECEIPT", "REFUNDED", "REFUNDED"],
                    counts(&[
                        ("EVENT_CANCELLED", 1),
                        ("PAYMENT_APPROVED", 1),
                        ("PAYMENT_REFUNDED", 2),
                    ]),
                ),
            ] {
                office.keeps(payment).await;
                for _ in 0..2 {
                    office.hears_of(payment).await;
                }
                assert_eq!(office.mails().await, mails);
                let all = told.values().sum::<usize>() as u64;
                assert_eq!(office.told(payment.member_id).await, (told, all));
                let sold = (counts(&[("TICKET_SOLD", 1)]), 1);
                assert_eq!(office.told(payment.subject.artist_id().unwrap()).await, sold);
            }
        });
    }

    #[test]
    fn a_payment_that_is_not_paid_or_not_there_tells_nothing() {
        stack::run(async {
            let (office, now) = (Office::new().await, Time::now());
            let gone = paid(now);
            office.hears_of(&gone).await;
            let mut unpaid = gone;
            unpaid.history.clear();
            office.keeps(&unpaid).await;
            office.hears_of(&unpaid).await;
            assert!(office.mails().await.is_empty() && office.queue.take().await.is_empty());
        });
    }

    #[test]
    fn what_is_older_than_any_message_was_told_and_is_not_told_again() {
        let bought = Time::now();
        let later = bought.plus(DAY * 20);
        let partly = going_back(&paid(bought), &[1], Cause::BuyerAsked, later);
        let told = tellings(&partly.refund_done(later).unwrap(), later);
        let about: Vec<_> = told.iter().map(|telling| &telling.mail.about).collect();
        assert_eq!(about, [&About::Refunded { payment_id: partly.id, number: 0 }]);
    }

    #[test]
    fn of_what_has_no_tickets_each_step_is_told_by_mail() {
        stack::run(async {
            let (office, now) = (Office::new().await, Time::now());
            let (buyer, token) = (MemberId::generate(), Secret("token".into()));
            let amounts = Amounts::cash(Won::new(10_000));
            let mut points = Payment::reserved(buyer, Subject::Points, amounts, now, token, now);
            for step in [Step::MakeReady, Step::StartApproval, Step::Approve, Step::StartRefund] {
                points = points.after(step, now).unwrap();
            }
            points.refunds.push(points.refund(Vec::new(), Cause::BuyerAsked, now).unwrap());
            let back = points.refund_done(now).unwrap();
            for (payment, mails) in [(&points, 1), (&back, 2), (&back, 2)] {
                office.keeps(payment).await;
                office.hears_of(payment).await;
                assert_eq!(office.mails().await.len(), mails);
            }
            assert_eq!(office.told(buyer).await, (counts(&[]), 0));
        });
    }

    #[test]
    fn an_artist_is_told_once_what_they_are_given_and_by_whom_and_their_giver_by_mail() {
        stack::run(async {
            let (office, now) = (Office::new().await, Time::now());
            let [giver, artist] = [Role::User, Role::Artist].map(|role| stack::member(role, now));
            for member in [&giver, &artist] {
                office.store.put(&MemberKey(member.id), member).await.unwrap();
            }
            let (gift, token) =
                (Gift { artist_id: artist.id, message: None }, Secret("token".into()));
            let (gift, amounts) = (Subject::Sponsorship(gift), Amounts::cash(Won::new(5_000)));
            let mut given = Payment::reserved(giver.id, gift, amounts, now, token, now);
            for step in [Step::MakeReady, Step::StartApproval] {
                given = given.after(step, now).unwrap();
                office.keeps(&given).await;
                office.hears_of(&given).await;
                assert_eq!(office.told(artist.id).await, (counts(&[]), 0), "it is not paid");
            }
            given = given.after(Step::Approve, now).unwrap();
            office.keeps(&given).await;
            for _ in 0..2 {
                office.hears_of(&given).await;
            }
            assert_eq!(office.mails().await, ["RECEIPT"]);
            assert_eq!(office.told(giver.id).await, (counts(&[]), 0));
            assert_eq!(office.told(artist.id).await, (counts(&[("SPONSORED", 1)]), 1));
            let page = office.store.notifications_of(artist.id, now, 10, None).await.unwrap();
            let (told, names) = &page.items[0];
            assert_eq!((told.amount, told.giver_id), (Some(Won::new(5_000)), Some(giver.id)));
            assert_eq!((&names.giver, &names.artist), (&Some(giver.nickname), &None));
        });
    }

    #[test]
    fn an_artist_who_buys_a_ticket_of_their_own_is_told_as_its_buyer() {
        stack::run(async {
            let (office, now) = (Office::new().await, Time::now());
            let mut own = paid(now);
            let buyer = own.member_id;
            booking(&mut own).artist_id = buyer;
            office.keeps(&own).await;
            office.hears_of(&own).await;
            let told = (counts(&[("PAYMENT_APPROVED", 1)]), 1);
            assert_eq!(office.told(own.member_id).await, told);
        });
    }

    #[test]
    fn a_mail_that_waits_is_sent_on_until_somebody_has_taken_it_and_says_nothing_of_anybody() {
        stack::run(async {
            let (office, payment) = (Office::new().await, paid(Time::now()));
            office.keeps(&payment).await;
            let name = format!("Approved:{}", payment.id);
            let about = About::Receipt { payment_id: payment.id };
            let (buyer, at) = (payment.member_id, payment.bought_at());
            let id = Mail::named(&name, buyer, about, Language::Korean, at).id;
            for _ in 0..2 {
                office.hears_of(&payment).await;
                assert_eq!(office.queue.take().await, [json!({ "mail": id }).to_string()]);
            }
            let kept = office.store.get(&MailKey(id)).await.unwrap().unwrap();
            assert_eq!((kept.member_id, kept.language), (buyer, Language::English));
            office.store.move_mail(id, MailState::Queued, MailState::Sending).await.unwrap();
            office.hears_of(&payment).await;
            assert!(office.queue.take().await.is_empty());
        });
    }

    /// Two workers with one message at the same moment, by a client of their own: what the buyer has not read.
    async fn race(client: impl Fn() -> store::Client) -> u64 {
        let (office, payment) = (Office::new().await, paid(Time::now()));
        office.keeps(&payment).await;
        let working = [(); 4].map(|()| handle(office.clients(client()), moved(&payment)));
        assert!(join_all(working).await.iter().all(Result::is_ok));
        assert_eq!(office.mails().await, ["RECEIPT"]);
        office.told(payment.member_id).await.1
    }

    #[test]
    fn workers_that_hear_of_it_at_once_tell_it_once_and_without_the_condition_count_it_more_often()
    {
        stack::run(async {
            assert_eq!(race(stack::dynamo).await, 1);
            assert_eq!(race(|| stack::losing("TransactWriteItems", 1)).await, 1);
            assert!(stack::happens(async || race(|| stack::without("pk")).await > 1).await);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (office, payment) = (Office::new().await, paid(Time::now()));
            office.store.write(Write::create(&PaymentKey(payment.id), &payment), ()).await.unwrap();
            let (client, meter) = stack::metered();
            for operation in ["tell_sales, a sale", "tell_sales, again"] {
                handle(office.clients(client.clone()), moved(&payment)).await.unwrap();
                stack::assert_operation(operation, &meter.take());
            }
        });
    }
}
