//! Worker on the queue of members who left: takes away what is left of them, some of it with each message, until nothing is.

use std::time::Duration;

use api::Worker;
use domain::{id::MemberId, time::Time};
use gateways::{Files, Message, Queue, files::NotDone, queue::NotSent};
use serde::{Deserialize, Serialize};
use store::{
    Rejected, Store, StoreFault, Transaction,
    identity::member::MemberKey,
    inbox::mail::{MailKey, MailState},
    personal::Work,
    sales::points::{BalanceKey, forfeit},
    was_done,
};

use crate::{by_mail::ANNOUNCED, own_data};

/// How long a message waits for the mail that goes before it: the address goes with the member.
pub const AFTER_MAIL: Duration = Duration::from_secs(10);

/// How long one waits for what was begun in the moment before the member left: a hold ends by itself.
const AFTER_HOLD: Duration = Duration::from_mins(15);

/// How long what was on its way to them may still come in, when nobody brings them anything any more.
const AFTER_PARTING: Duration = Duration::from_secs(30);

/// For how long mail and holds are waited for.
const PATIENCE: Duration = Duration::from_hours(24);

/// A member who left, or was about to, and how far it is with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Erase {
    member_id: MemberId,
    #[serde(default)]
    stage: Stage,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Stage {
    /// What was begun before they left has to end.
    #[default]
    Ending,
    /// They have to be taken out of what is others' too.
    Parting,
    /// What is theirs alone has to go, and they with it.
    Alone,
}

impl Erase {
    /// Of a member who is about to leave.
    pub fn beginning(member_id: MemberId) -> Self {
        Self { member_id, stage: Stage::Ending }
    }
}

impl Message for Erase {
    const QUEUE: &'static str = "ERASURES_QUEUE_URL";
}

/// Why something is left of a member.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database's trouble.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Their files were not removed.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// The rest could not be sent on.
    #[error(transparent)]
    NotSent(#[from] NotSent),
}

/// Takes away some of what is left of a member, and sends the rest on.
///
/// # Errors
/// When it has to come again.
pub async fn handle(
    (store, files, queue): (Store, Files, Queue<Erase>),
    erase: Erase,
) -> Result<(), Failure> {
    let (now, id) = (Time::now(), erase.member_id);
    let send = async |stage, delay| queue.send(&Erase { member_id: id, stage }, delay).await;
    // Who is none any more is gone wholly; who has no such mark did not leave.
    let left = store.get(&MemberKey(id)).await?.and_then(|member| member.left);
    let Some(left) = left else { return Ok(()) };
    if erase.stage == Stage::Ending {
        // What they wait for goes to the next at once: they can't take it any more.
        store.erase(id, Work::Waiting, now).await?;
        let is_late = left.at.plus(PATIENCE) <= now;
        // A message may be of an earlier try to leave.
        let is_early = now < left.at.plus(ANNOUNCED);
        let mail = store.get(&MailKey(left.mail_id)).await?;
        let is_to_be_mailed = mail.is_some_and(|mail| mail.state == MailState::Queued);
        if is_early || is_to_be_mailed && !is_late {
            return Ok(send(Stage::Ending, AFTER_MAIL).await?);
        }
        match store.may_leave(id, now).await {
            Ok(()) => {}
            Err(Rejected::Store(fault)) => return Err(fault.into()),
            Err(Rejected::Condition(_)) if !is_late => {
                return Ok(send(Stage::Ending, AFTER_HOLD).await?);
            }
            Err(Rejected::Condition(cause)) => {
                tracing::error!(metric = "LeftTooSoon", member_id = %id, %cause, "who left has left something behind");
            }
        }
    }
    if erase.stage != Stage::Alone {
        for work in Work::PARTING {
            if !store.erase(id, work, now).await? {
                return Ok(send(Stage::Parting, Duration::ZERO).await?);
            }
        }
        return Ok(send(Stage::Alone, AFTER_PARTING).await?);
    }
    files.remove_all(&own_data::folder(id)).await?;
    let balance = store.get(&BalanceKey(id)).await?.unwrap_or_default().balance;
    if let (Some(transfer), taking) = forfeit(id, balance, now) {
        // Another delivery of the message may have done it.
        was_done(store.transact(Transaction::new().require(taking, ()).also(transfer)).await)?;
    }
    for work in Work::ALONE {
        if !store.erase(id, work, now).await? {
            return Ok(send(Stage::Alone, Duration::ZERO).await?);
        }
    }
    Ok(())
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use domain::{
        id::{EventId, ExportId, MailId, PaymentId, SessionId},
        language::Language,
        member::Role,
        payment::amounts,
        points::Account,
        won::Won,
    };
    use futures::future::join_all;
    use serde_json::{Value, json};
    use stack::OwnBucket;
    use store::{
        Write,
        catalog::on_sale::OnSale,
        identity::{follow::FollowerKey, member::Member, session::SessionKey},
        inbox::{
            mail::{About, Mail},
            notification::{self, Notification},
        },
        sales::{
            payment::{Booking, Payment, Secret},
            points::earn,
        },
    };

    use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

    use super::*;
    use crate::{
        own_data::Wanted,
        testing::{bucket, queue_of},
    };

    /// The worker with tables of one test alone, and a queue that keeps what is sent, whenever that would come.
    struct Eraser {
        prefix: String,
        store: Store,
        sqs: MockServer,
        taken: AtomicUsize,
        queue: Queue<Erase>,
        bucket: OwnBucket,
        files: Files,
    }

    impl Eraser {
        async fn new() -> Self {
            let prefix = stack::own_tables().await;
            let store = Store::new(stack::dynamo(), &prefix);
            let sqs = MockServer::start().await;
            let answer = json!({ "MessageId": "1", "MD5OfMessageBody": "" });
            let answer = ResponseTemplate::new(200).set_body_json(answer);
            Mock::given(any()).respond_with(answer).mount(&sqs).await;
            let queue = Queue::new(&stack::aws(&sqs.uri()), format!("{}/erasures", sqs.uri()));
            let (taken, (bucket, files)) = (AtomicUsize::new(0), bucket().await);
            Self { prefix, store, sqs, taken, queue, bucket, files }
        }

        /// What was sent since this was asked last.
        async fn sent(&self) -> Vec<Stage> {
            let all = self.sqs.received_requests().await.unwrap();
            let before = self.taken.swap(all.len(), Ordering::Relaxed);
            let stage = |request: &Request| {
                let body: Value = request.body_json().unwrap();
                let message = body["MessageBody"].as_str().unwrap();
                serde_json::from_str::<Erase>(message).unwrap().stage
            };
            all[before..].iter().map(stage).collect()
        }

        async fn written(&self, writes: impl IntoIterator<Item = Write>) {
            let writing = writes.into_iter().fold(Transaction::<()>::new(), Transaction::also);
            self.store.transact(writing).await.unwrap();
        }

        /// Somebody new.
        async fn member(&self, role: Role) -> Member {
            let member = stack::member(role, Time::now());
            self.store.transact(member.creation()).await.unwrap();
            member
        }

        /// They left so long ago that what was begun before is over.
        async fn left(&self, member: &Member) -> MailId {
            self.left_at(member, Time::now().minus(ANNOUNCED)).await
        }

        async fn left_at(&self, member: &Member, at: Time) -> MailId {
            let mail_id = MailId::generate();
            self.store.change_member(member, &member.leaving(mail_id, at)).await.unwrap();
            mail_id
        }

        async fn handles(&self, member_id: MemberId, stage: Stage) {
            let clients = (self.store.clone(), self.files.clone(), self.queue.clone());
            handle(clients, Erase { member_id, stage }).await.unwrap();
        }

        /// Works until nothing is left to be done, on each message so many times. Answers how many messages there were.
        async fn works(&self, member_id: MemberId, times: usize) -> usize {
            let (mut number, mut stages) = (0, vec![Stage::Ending]);
            while !stages.is_empty() {
                number += stages.len();
                for stage in std::mem::take(&mut stages) {
                    for _ in 0..times {
                        self.handles(member_id, stage).await;
                    }
                    stages.extend(self.sent().await.first());
                }
            }
            number
        }

        /// Every item in every table that says this.
        async fn saying(&self, what: &str) -> Vec<Value> {
            let mut found = Vec::new();
            for table in stack::table_names(&self.prefix) {
                let items = stack::items(&table).await.into_iter();
                found.extend(items.filter(|item| item.to_string().contains(what)));
            }
            found
        }

        /// An artist with everything that a member can have, much of it.
        async fn somebody(&self) -> (Member, Vec<Member>) {
            let now = Time::now();
            let unnamed = self.member(Role::Artist).await;
            let artist = Member {
                nickname: "무대를 떠난 사람".parse().unwrap(),
                phone: Some("010-1234-5678".parse().unwrap()),
                version: 2,
                ..unnamed.clone()
            };
            self.store.change_member(&unnamed, &artist).await.unwrap();
            let mut others = Vec::new();
            for _ in 0..40 {
                let other = self.member(Role::Artist).await;
                self.store.follow(artist.id, other.id, now).await.unwrap();
                self.store.follow(other.id, artist.id, now).await.unwrap();
                others.push(other);
            }
            for _ in 0..40 {
                let key = SessionKey { member_id: artist.id, session_id: SessionId::generate() };
                let session = stack::session(&key, now);
                self.written([Write::create(&key, &session)]).await;
                let title = "한여름 밤".parse().unwrap();
                let event = notification::Event { id: EventId::generate(), title };
                let publication = format!("EventPublished:{}:1", event.id);
                let told = Notification::new_event(&publication, now, event, others[0].id);
                self.store.notify(&[artist.id], &told).await.unwrap();
                self.written(stack::event_over(&artist, now).create()).await;
            }
            self.written(earn(artist.id, PaymentId::generate(), Won::new(70), now)).await;
            for _ in 0..2 {
                let export = Wanted { member_id: artist.id, export_id: ExportId::generate() };
                self.files.put(&export.file(), own_data::KIND, b"{}".to_vec()).await.unwrap();
            }
            (artist, others)
        }
    }

    #[test]
    fn nothing_is_left_of_who_left_but_an_id_in_the_books_however_often_a_message_comes() {
        stack::run(async {
            for times in [1, 2] {
                let eraser = Eraser::new().await;
                let (artist, others) = eraser.somebody().await;
                eraser.left(&artist).await;
                assert!(eraser.works(artist.id, times).await > 2, "it is more than one message's");
                let email = artist.email.as_ref().unwrap();
                for own in [email.as_str(), artist.nickname.as_str(), "010-1234-5678"] {
                    assert_eq!(eraser.saying(own).await, [Value::Null; 0], "{own}");
                }
                assert_eq!(eraser.bucket.versions().await, [""; 0]);
                let id = artist.id.to_string();
                for item in eraser.saying(&id).await {
                    let (pk, sk) = (item["pk"].as_str().unwrap(), item["sk"].as_str().unwrap());
                    let kept = matches!(sk, "EVENT" | "SALE" | "BALANCE")
                        || sk.starts_with("TRF#")
                        || pk.starts_with("ART#");
                    assert!(kept, "{item}");
                }
                for other in &others {
                    let followed = eraser.store.followed_by(other.id, 10, None).await.unwrap();
                    assert!(followed.items.is_empty());
                    assert_eq!(eraser.store.artist(other.id).await.unwrap().1, 0);
                }
                let counts = eraser.saying("\"count\":").await;
                assert!(counts.iter().all(|item| item["count"] == 0), "{counts:?}");
                let account = Account::Member(artist.id);
                assert_eq!(eraser.store.sum_of(account).await.unwrap().posted, 0);
                // Who comes for the id finds nobody.
                eraser.store.artist(artist.id).await.unwrap_err();
            }
        });
    }

    #[test]
    fn who_did_not_leave_after_all_keeps_everything() {
        stack::run(async {
            let eraser = Eraser::new().await;
            let (artist, _) = eraser.somebody().await;
            let before = eraser.saying("").await;
            // Neither is anything sent on.
            assert_eq!(eraser.works(artist.id, 1).await, 1);
            assert_eq!(eraser.works(MemberId::generate(), 1).await, 1);
            assert_eq!(eraser.saying("").await.len(), before.len());
            assert_eq!(eraser.store.get(&MemberKey(artist.id)).await.unwrap(), Some(artist));
        });
    }

    #[test]
    fn nothing_goes_before_the_mail_has_gone_or_a_day_is_over_nor_by_a_message_of_an_earlier_try() {
        stack::run(async {
            let (eraser, now) = (Eraser::new().await, Time::now());
            for (state, left_at, waits) in [
                (MailState::Sent, now, true),
                (MailState::Queued, now.minus(ANNOUNCED), true),
                (MailState::Sending, now.minus(ANNOUNCED), false),
                (MailState::Sent, now.minus(ANNOUNCED), false),
                (MailState::Dropped, now.minus(ANNOUNCED), false),
                (MailState::Queued, now.minus(PATIENCE), false),
            ] {
                let member = eraser.member(Role::User).await;
                let id = eraser.left_at(&member, left_at).await;
                let mail = Mail::new(member.id, About::AccountDeleted, Language::Korean, now);
                eraser.written([Mail { id, state, ..mail }.writing()]).await;
                eraser.handles(member.id, Stage::Ending).await;
                let stage = if waits { Stage::Ending } else { Stage::Alone };
                assert_eq!(eraser.sent().await, [stage], "{state:?} since {left_at:?}");
            }
        });
    }

    #[test]
    fn what_was_bought_in_the_moment_of_leaving_is_waited_for_a_day_and_then_a_person_is_told() {
        stack::run(async {
            let (eraser, now) = (Eraser::new().await, Time::now());
            for (left_at, stage) in
                [(now.minus(ANNOUNCED), Stage::Ending), (now.minus(PATIENCE), Stage::Alone)]
            {
                let member = eraser.member(Role::User).await;
                eraser.left_at(&member, left_at).await;
                let show = stack::event(10, now);
                let one = 1.try_into().unwrap();
                let amounts = amounts(show.price, one, None, Won::ZERO).unwrap();
                let (ends, token) = (now.plus(AFTER_HOLD), Secret("token".into()));
                let sale = OnSale::from(&show);
                let booking = Booking::of(&sale, one).into();
                let hold = Payment::reserved(member.id, booking, amounts, ends, token, now);
                eraser.written([hold.create()]).await;
                eraser.handles(member.id, Stage::Ending).await;
                assert_eq!(eraser.sent().await, [stage]);
            }
        });
    }

    #[test]
    fn whom_half_a_pair_names_is_left_all_the_same() {
        stack::run(async {
            let eraser = Eraser::new().await;
            let (member, artist) =
                (eraser.member(Role::User).await, eraser.member(Role::Artist).await);
            eraser.store.follow(member.id, artist.id, Time::now()).await.unwrap();
            let key = FollowerKey { artist_id: artist.id, member_id: member.id };
            eraser.written([Write::delete(&key)]).await;
            eraser.left(&member).await;
            eraser.works(member.id, 1).await;
            assert_eq!(eraser.saying(&member.id.to_string()).await, [Value::Null; 0]);
        });
    }

    #[test]
    fn two_deliveries_at_once_forfeit_what_is_there_once() {
        stack::run(async {
            let eraser = Eraser::new().await;
            let member = eraser.member(Role::User).await;
            eraser.left(&member).await;
            let earned = earn(member.id, PaymentId::generate(), Won::new(70), Time::now());
            eraser.written(earned).await;
            let twice = [(); 8].map(|()| eraser.handles(member.id, Stage::Alone));
            join_all(twice).await;
            let account = Account::Member(member.id);
            assert_eq!(eraser.store.sum_of(account).await.unwrap().posted, 0);
            let balance = eraser.store.get(&BalanceKey(member.id)).await.unwrap().unwrap();
            assert_eq!(balance.balance, Won::ZERO);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            let claims = stack::sign_in(&store, Role::User, Time::now()).await;
            let member = store.get(&MemberKey(claims.member_id)).await.unwrap().unwrap();
            let leaving = member.leaving(MailId::generate(), Time::now().minus(ANNOUNCED));
            store.change_member(&member, &leaving).await.unwrap();
            let (client, meter) = stack::metered();
            let (_, files) = bucket().await;
            let clients = (Store::new(client, stack::prefix()), files, queue_of().await);
            for (stage, operation) in [
                (Stage::Ending, "erase_member, of one session"),
                (Stage::Alone, "erase_member, to the last"),
            ] {
                handle(clients.clone(), Erase { member_id: member.id, stage }).await.unwrap();
                stack::assert_operation(operation, &meter.take());
            }
        });
    }
}
