//! Worker on the queue of members who left: takes away what is left of them, some of it with each message, until nothing is.

use std::time::Duration;

use api::Worker;
use domain::{
    id::{MailId, MemberId},
    time::Time,
};
use gateways::{Message, Queue, queue::NotSent};
use serde::{Deserialize, Serialize};
use store::{
    Rejected, Store, StoreFault, Transaction,
    identity::member::MemberKey,
    inbox::mail::{MailKey, MailState},
    personal::{Stays, Work},
    sales::points::{BalanceKey, forfeit},
    was_done,
};

/// How long a message waits for the mail that goes before it: the address goes with the member.
pub const AFTER_MAIL: Duration = Duration::from_secs(10);

/// How long one waits for what was begun in the moment before the member left: a hold ends by itself.
const AFTER_HOLD: Duration = Duration::from_mins(15);

/// For how long either is waited for. Then the mail is not, and of the other a person is told.
const PATIENCE: Duration = Duration::from_hours(24);

/// A member who left, or was about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// Who.
    pub member_id: MemberId,
    /// The mail that tells them.
    pub mail_id: MailId,
}

impl Message for Left {
    const QUEUE: &'static str = "ERASURES_QUEUE_URL";
}

/// Why something is left of a member.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something keeps them that would not have let them go.
    #[error("who left has left something behind: {0}")]
    Stays(Stays),
    /// The database's trouble.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The rest could not be sent on.
    #[error(transparent)]
    NotSent(#[from] NotSent),
}

/// Takes away some of what is left of a member, and sends the rest on.
///
/// # Errors
/// When it has to come again.
pub async fn handle((store, queue): (Store, Queue<Left>), left: Left) -> Result<(), Failure> {
    let (now, id) = (Time::now(), left.member_id);
    let left_at = store.get(&MemberKey(id)).await?.and_then(|member| member.left_at);
    // Who is none any more is gone wholly; who has no such time did not leave.
    let Some(left_at) = left_at else { return Ok(()) };
    let is_late = left_at.plus(PATIENCE) <= now;
    let mail = store.get(&MailKey(left.mail_id)).await?;
    if !is_late && mail.is_some_and(|mail| mail.state == MailState::Queued) {
        return Ok(queue.send(&left, AFTER_MAIL).await?);
    }
    // Nothing can be begun for them any more; what was a moment before comes to light here.
    match store.may_leave(id, now).await {
        Ok(()) => {}
        Err(Rejected::Store(fault)) => return Err(fault.into()),
        Err(Rejected::Condition(stays)) if is_late => return Err(Failure::Stays(stays)),
        Err(Rejected::Condition(cause)) => {
            tracing::warn!(member_id = %id, %cause, "who left has left something behind");
            return Ok(queue.send(&left, AFTER_HOLD).await?);
        }
    }
    let balance = store.get(&BalanceKey(id)).await?.unwrap_or_default().balance;
    if let Some(writes) = forfeit(id, balance, now) {
        let forfeiting = writes.into_iter().fold(Transaction::<()>::new(), Transaction::also);
        was_done(store.transact(forfeiting).await)?;
    }
    for work in Work::ALL {
        if !store.erase(id, work, now).await? {
            return Ok(queue.send(&left, Duration::ZERO).await?);
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
    use domain::{
        event::Schedule,
        id::{EventId, PaymentId, SessionId},
        language::Language,
        member::Role,
        payment::amounts,
        points::Account,
        won::Won,
    };
    use serde_json::Value;
    use stack::OwnQueue;
    use store::{
        Write,
        catalog::{event::Event, on_sale::OnSale},
        identity::{member::Member, session::SessionKey},
        inbox::{
            mail::{About, Mail},
            notification::{self, Notification},
        },
        sales::{
            payment::{Payment, Secret},
            points::earn,
        },
    };

    use super::*;
    use crate::testing::queue_of;

    /// The worker with a queue of its own, and tables of one test alone.
    struct Eraser {
        prefix: String,
        store: Store,
        own: OwnQueue,
        queue: Queue<Left>,
    }

    impl Eraser {
        async fn new() -> Self {
            let prefix = stack::own_tables().await;
            let store = Store::new(stack::dynamo(), &prefix);
            let aws = stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap());
            let own = OwnQueue::new().await;
            Self { prefix, store, queue: Queue::new(&aws, own.url.clone()), own }
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

        /// They leave.
        async fn leaves(&self, member: &Member, at: Time) {
            self.store.change_member(member, &member.leaving(at)).await.unwrap();
        }

        async fn handles(&self, left: Left) -> Result<(), Failure> {
            handle((self.store.clone(), self.queue.clone()), left).await
        }

        /// Works until nothing is left to be done, on each message so many times. Answers how many messages there were.
        async fn works(&self, member_id: MemberId, times: usize) -> usize {
            let mut messages = vec![Left { member_id, mail_id: MailId::generate() }];
            let mut number = 0;
            while !messages.is_empty() {
                for left in &messages {
                    for _ in 0..times {
                        self.handles(*left).await.unwrap();
                    }
                }
                number += messages.len();
                let taken = self.own.take().await;
                messages = taken.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
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
                self.written(over(&artist, now).create()).await;
            }
            self.written(earn(artist.id, PaymentId::generate(), Won::new(70), now)).await;
            (artist, others)
        }
    }

    /// An event of an artist that is over.
    fn over(artist: &Member, now: Time) -> Event {
        let ago = |days: u32| now.minus(Duration::from_hours(24) * days);
        let schedule = Schedule::new(ago(3), ago(2), ago(9), ago(4)).unwrap();
        let (artist_id, artist_nickname) = (artist.id, artist.nickname.clone());
        Event { artist_id, artist_nickname, schedule, ..stack::event(10, now) }
    }

    #[test]
    fn nothing_is_left_of_who_left_but_an_id_in_the_books_however_often_a_message_comes() {
        stack::run(async {
            for times in [1, 2] {
                let eraser = Eraser::new().await;
                let (artist, others) = eraser.somebody().await;
                eraser.leaves(&artist, Time::now()).await;
                assert!(eraser.works(artist.id, times).await > 1, "it is more than one message's");
                let email = artist.email.as_ref().unwrap();
                for own in [email.as_str(), artist.nickname.as_str(), "010-1234-5678"] {
                    assert_eq!(eraser.saying(own).await, [Value::Null; 0], "{own}");
                }
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
                assert_eq!(eraser.store.sum_of(account).await.unwrap(), 0);
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
            assert_eq!(eraser.works(artist.id, 1).await, 1);
            assert_eq!(eraser.works(MemberId::generate(), 1).await, 1);
            assert_eq!(eraser.saying("").await.len(), before.len());
            assert_eq!(eraser.store.get(&MemberKey(artist.id)).await.unwrap(), Some(artist));
        });
    }

    #[test]
    fn the_address_stays_until_the_mail_has_gone_or_a_day_is_over() {
        stack::run(async {
            let (eraser, now) = (Eraser::new().await, Time::now());
            for (state, left_at, stays) in [
                (MailState::Queued, now, true),
                (MailState::Sending, now, false),
                (MailState::Sent, now, false),
                (MailState::Dropped, now, false),
                (MailState::Queued, now.minus(PATIENCE), false),
            ] {
                let member = eraser.member(Role::User).await;
                eraser.leaves(&member, left_at).await;
                let mail = Mail::new(member.id, About::AccountDeleted, Language::Korean, now);
                eraser.written([Mail { state, ..mail.clone() }.writing()]).await;
                let delayed = eraser.own.delayed().await;
                let left = Left { member_id: member.id, mail_id: mail.id };
                eraser.handles(left).await.unwrap();
                let there = eraser.store.get(&MemberKey(member.id)).await.unwrap().is_some();
                assert_eq!(there, stays, "{state:?} since {left_at:?}");
                assert_eq!(eraser.own.delayed().await - delayed, usize::from(stays), "{state:?}");
            }
        });
    }

    #[test]
    fn what_was_bought_in_the_moment_of_leaving_is_waited_for_and_then_a_person_is_told() {
        stack::run(async {
            let (eraser, now) = (Eraser::new().await, Time::now());
            for (left_at, is_late) in [(now, false), (now.minus(PATIENCE), true)] {
                let member = eraser.member(Role::User).await;
                eraser.leaves(&member, left_at).await;
                let show = stack::event(10, now);
                let one = 1.try_into().unwrap();
                let amounts = amounts(show.price, one, None, Won::ZERO).unwrap();
                let (ends, token) = (now.plus(AFTER_HOLD), Secret("token".into()));
                let sale = OnSale::from(&show);
                let hold = Payment::reserved(&sale, member.id, one, amounts, ends, token, now);
                eraser.written([hold.create()]).await;
                let delayed = eraser.own.delayed().await;
                let done = eraser
                    .handles(Left { member_id: member.id, mail_id: MailId::generate() })
                    .await;
                assert_eq!(done.is_err(), is_late, "{done:?}");
                assert_eq!(eraser.own.delayed().await - delayed, usize::from(!is_late));
                assert!(eraser.store.get(&MemberKey(member.id)).await.unwrap().is_some());
            }
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            let claims = stack::sign_in(&store, Role::User, Time::now()).await;
            let member = store.get(&MemberKey(claims.member_id)).await.unwrap().unwrap();
            store.change_member(&member, &member.leaving(Time::now())).await.unwrap();
            let (client, meter) = stack::metered();
            let left = Left { member_id: member.id, mail_id: MailId::generate() };
            let clients = (Store::new(client, stack::prefix()), queue_of().await);
            handle(clients, left).await.unwrap();
            stack::assert_operation("erase_member, of one session", &meter.take());
        });
    }
}
