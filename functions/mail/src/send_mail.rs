//! Worker on the queue of mail: writes each letter and sends it, a code as often as it takes, anything else once at most.

use std::time::Duration;

use api::Worker;
use aws::{Connect, ConnectError, variable};
use domain::{
    id::{CodeId, MailId},
    member::{CodePurpose, Email, MailedCode},
    time::Time,
};
use gateways::{MailMessage, Pace, Ses, pace::READERS, ses::NotSent};
use store::{
    Store, StoreFault,
    ephemeral::{
        code::{CodeItem, CodeKey},
        rate::{RateFault, Rule, hashed},
    },
    identity::member::{EmailKey, Member, MemberKey},
    inbox::mail::{About, BlockKey, BlockReason, Mail, MailKey, MailState},
    sales::{payment::PaymentKey, waiting::WaitingKey},
    was_done,
};

use crate::{letter::Words, letters};

/// How long the first wait is when SES takes nothing, and how often there is one twice as long as the one before: until a message
/// comes again by itself takes minutes, and somebody waits for a code.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const WAITS: u32 = 5;

/// Codes to an address that bounced.
const TO_BOUNCED: Rule =
    Rule { name: "code_to_bounced", limit: 1, window: Duration::from_hours(24) };

/// The database, and whoever carries the letters.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    ses: Ses,
    pace: Pace,
    first_wait: Duration,
}

impl Connect for Clients {
    /// `MAIL_RATE`: how many mails SES takes of us in a second, of all of these functions together.
    async fn connect() -> Result<Self, ConnectError> {
        let (store, ses) = <(Store, Ses)>::connect().await?;
        let rate: f64 = variable("MAIL_RATE")?.parse()?;
        Ok(Self { store, ses, pace: Pace::of(rate / f64::from(READERS)), first_wait: FIRST_WAIT })
    }
}

/// Mails what a message names.
///
/// # Errors
/// When it has to come again: the database's trouble, or SES takes nothing now.
pub async fn handle(clients: Clients, message: MailMessage) -> Result<(), Failure> {
    let now = Time::now();
    match message {
        MailMessage::Code(id) => clients.send_code(id, now).await,
        MailMessage::Mail(id) => clients.send_mail(id).await,
    }
}

impl Clients {
    /// Draws a code, and mails it. One that may have gone is drawn anew: a second mail harms nobody, and the code in it is the one
    /// that is good. Who asked learns nothing of what is decided here.
    async fn send_code(&self, id: CodeId, now: Time) -> Result<(), Failure> {
        let asked = self.store.get(&CodeKey(id)).await?;
        let Some(asked) = asked.filter(|asked| !asked.expires_at.is_past(now)) else {
            return Ok(());
        };
        if !self.may_reach(&asked.email, now).await? {
            self.pace.turn().await;
            return Ok(());
        }
        let words = match (asked.purpose, self.store.owner(&EmailKey(&asked.email)).await?) {
            (CodePurpose::NewPassword, Some(Member { password_hash: None, .. })) => {
                letters::no_password(asked.language)
            }
            (CodePurpose::SignUp | CodePurpose::VerifyEmail, None)
            | (CodePurpose::NewPassword | CodePurpose::LinkIdentity, Some(_)) => {
                match self.draw(&asked, now).await? {
                    Some(code) => letters::code(&code, asked.purpose, asked.language),
                    None => return Ok(()),
                }
            }
            (CodePurpose::SignUp | CodePurpose::VerifyEmail, Some(_)) => {
                letters::known(asked.language)
            }
            (CodePurpose::NewPassword | CodePurpose::LinkIdentity, None) => {
                // It takes its turn as if it were mailed: who waits behind it learns nothing.
                self.pace.turn().await;
                return Ok(());
            }
            (CodePurpose::Unknown, _) => return Err(Failure::Newer),
        };
        let letter = words.letter(asked.language)?;
        let mut waits = Waits::from(self.first_wait);
        loop {
            self.pace.turn().await;
            match self.ses.send(&asked.email, &letter).await {
                Ok(_) => return Ok(()),
                Err(NotSent::Refused(cause)) => {
                    tracing::warn!(code_id = %id, cause, "SES refuses a code");
                    return Ok(());
                }
                Err(fault @ NotSent::NotNow(_)) => waits.wait_after(fault).await?,
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// Whether a code may go to an address: to one that bounced once a day, so that its owner can open it again, and nobody makes us
    /// mail to addresses that don't exist.
    async fn may_reach(&self, email: &Email, now: Time) -> Result<bool, Failure> {
        let block = self.store.get(&BlockKey::of(email)).await?;
        if block.is_none_or(|block| block.reason != BlockReason::Bounced) {
            return Ok(true);
        }
        match self.store.count(TO_BOUNCED, &hashed(email.as_str().as_bytes()), now).await {
            Ok(()) => Ok(true),
            Err(RateFault::TooMany { .. }) => Ok(false),
            Err(RateFault::Store(fault)) => Err(fault.into()),
        }
    }

    async fn draw(&self, asked: &CodeItem, now: Time) -> Result<Option<MailedCode>, Failure> {
        let code = MailedCode::of(getrandom::u64().map_err(|_| Failure::NoRandomness)?);
        let drawn = was_done(self.store.draw_code(asked, &code, now).await)?;
        Ok(drawn.then_some(code))
    }

    /// Mails what is written down, if nobody has begun to. All that can fail comes before the mark; from the mark on it is left
    /// alone, unless SES surely did nothing.
    async fn send_mail(&self, id: MailId) -> Result<(), Failure> {
        // What was announced and is not there did not happen.
        let Some(mail) = self.store.get(&MailKey(id)).await? else { return Ok(()) };
        if mail.state == MailState::Sending {
            tracing::warn!(metric = "MailUnknown", mail_id = %id, "nobody knows whether a mail was sent");
        }
        if mail.state != MailState::Queued {
            return Ok(());
        }
        let Some((email, words)) = self.addressed(&mail).await? else {
            self.moved(id, MailState::Queued, MailState::Dropped).await?;
            return Ok(());
        };
        let letter = words.letter(mail.language)?;
        let mut waits = Waits::from(self.first_wait);
        loop {
            self.pace.turn().await;
            if !self.moved(id, MailState::Queued, MailState::Sending).await? {
                return Ok(());
            }
            match self.ses.send(&email, &letter).await {
                Ok(message_id) => {
                    was_done(self.store.mail_is_sent(id, &message_id).await)?;
                    return Ok(());
                }
                Err(NotSent::Refused(cause)) => {
                    tracing::warn!(mail_id = %id, cause, "SES refuses a mail");
                    self.moved(id, MailState::Sending, MailState::Dropped).await?;
                    return Ok(());
                }
                Err(fault @ NotSent::NotNow(_)) => {
                    self.moved(id, MailState::Sending, MailState::Queued).await?;
                    waits.wait_after(fault).await?;
                }
                Err(NotSent::Unknown(cause)) => {
                    tracing::warn!(metric = "MailUnknown", mail_id = %id, cause, "nobody knows whether a mail was sent");
                    return Ok(());
                }
            }
        }
    }

    /// Whether it was there to be moved.
    async fn moved(&self, id: MailId, from: MailState, to: MailState) -> Result<bool, StoreFault> {
        was_done(self.store.move_mail(id, from, to).await)
    }

    /// Where a mail goes and what it says; nothing for whom no mail reaches.
    async fn addressed(&self, mail: &Mail) -> Result<Option<(Email, Words)>, Failure> {
        let Some(member) = self.store.get(&MemberKey(mail.member_id)).await? else {
            return Ok(None);
        };
        let Some(email) = member.email else { return Ok(None) };
        let block = self.store.get(&BlockKey::of(&email)).await?;
        let (at, language) = (mail.created_at, mail.language);
        let payment = async |id| self.store.get(&PaymentKey(id)).await;
        let (words, is_security) = match &mail.about {
            About::Welcome => (Some(letters::welcome(&member.nickname, language)), false),
            About::PasswordChanged => (Some(letters::password_changed(at, language)), true),
            About::NewDevice { device, country } => {
                (Some(letters::new_device(device, country.clone(), at, language)), true)
            }
            About::AccountDeleted => (Some(letters::account_deleted(at, language)), true),
            About::Receipt { payment_id } => {
                let payment = payment(*payment_id).await?;
                (payment.and_then(|payment| letters::receipt(&payment, language)), false)
            }
            About::EventCancelled { payment_id } => {
                let payment = payment(*payment_id).await?;
                (payment.and_then(|payment| letters::event_cancelled(&payment, language)), false)
            }
            About::Refunded { payment_id, number } => {
                let refunded = payment(*payment_id).await?.and_then(|payment| {
                    let refund = payment.refunds.get(*number as usize)?;
                    letters::refunded(&payment, refund, language)
                });
                (refunded, false)
            }
            About::WaitingListOffer { event_id } => {
                let key = WaitingKey { member_id: member.id, event_id: *event_id };
                let offered = self.store.get(&key).await?;
                let now = Time::now();
                (offered.and_then(|it| letters::waiting_list_offer(&it, language, now)), false)
            }
            About::Unknown => return Err(Failure::Newer),
        };
        let Some(words) = words else { return Ok(None) };
        let goes = match block.map(|block| block.reason) {
            None => true,
            Some(BlockReason::Bounced) => false,
            Some(BlockReason::Complained) => is_security,
        };
        Ok(goes.then_some((email, words)))
    }
}

/// How long to wait each time that SES takes no mail.
struct Waits {
    next: Duration,
    longest: Duration,
}

impl Waits {
    fn from(first: Duration) -> Self {
        Self { next: first, longest: first * 2_u32.pow(WAITS - 1) }
    }

    /// Waits, until that was often enough: then the message comes again by itself.
    async fn wait_after(&mut self, fault: NotSent) -> Result<(), NotSent> {
        if self.next > self.longest {
            return Err(fault);
        }
        tracing::info!(cause = %fault, "SES takes no mail now");
        tokio::time::sleep(self.next.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        self.next *= 2;
        Ok(())
    }
}

/// Why a message has to come again.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// SES.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// A letter could not be written.
    #[error(transparent)]
    Letter(#[from] askama::Error),
    /// What only a newer program knows how to tell: it comes again, to that one.
    #[error("a newer program's mail")]
    Newer,
    /// The system gives no random bytes.
    #[error("no randomness")]
    NoRandomness,
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use domain::{language::Language, member::Role};
    use serde_json::{Value, json};
    use store::{Ttl, inbox::mail::Block};
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

    use super::*;

    /// SES as it answers one after the other; from then on as it did last.
    struct Post {
        server: MockServer,
        clients: Clients,
    }

    impl Post {
        async fn answering(answers: &'static [u16]) -> Self {
            let asked = AtomicU32::new(0);
            let answer = move |_: &wiremock::Request| {
                let before = asked.fetch_add(1, Ordering::Relaxed) as usize;
                match answers[before.min(answers.len() - 1)] {
                    200 => ResponseTemplate::new(200).set_body_json(json!({ "MessageId": "m-1" })),
                    status => ResponseTemplate::new(status)
                        .insert_header(
                            "x-amzn-ErrorType",
                            match status {
                                400 => "MessageRejected",
                                429 => "TooManyRequestsException",
                                _ => "InternalFailure",
                            },
                        )
                        .set_body_json(json!({ "message": "no" })),
                }
            };
            let server = MockServer::start().await;
            let sends = Mock::given(path("/v2/email/outbound-emails")).respond_with(answer);
            sends.mount(&server).await;
            let ses =
                Ses::new(&stack::aws(&server.uri()), "stage@example.com".into(), "test".into());
            let first_wait = Duration::from_millis(1);
            let clients = Clients { store: store(), ses, pace: Pace::of(1e6), first_wait };
            Self { server, clients }
        }

        async fn send(&self, message: MailMessage) -> Result<(), Failure> {
            handle(self.clients.clone(), message).await
        }

        /// Whom letters went to, with their subjects and texts.
        async fn sent(&self) -> Vec<(String, String, String)> {
            let requests = self.server.received_requests().await.unwrap();
            let letter = |request: &wiremock::Request| {
                let body: Value = request.body_json().unwrap();
                let simple = &body["Content"]["Simple"];
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                (
                    text(&body["Destination"]["ToAddresses"][0]),
                    text(&simple["Subject"]["Data"]),
                    text(&simple["Body"]["Text"]["Data"]),
                )
            };
            requests.iter().map(letter).collect()
        }
    }

    fn store() -> Store {
        Store::new(stack::dynamo(), stack::prefix())
    }

    async fn member() -> Member {
        let member = stack::member(Role::User, Time::now());
        store().transact(member.creation()).await.unwrap();
        member
    }

    async fn mail(about: About) -> (Member, Mail) {
        let member = member().await;
        let mail = Mail::new(member.id, about, Language::Korean, Time::now());
        store().transact(store::Transaction::<()>::new().also(mail.writing())).await.unwrap();
        (member, mail)
    }

    async fn state(mail: &Mail) -> MailState {
        store().get(&MailKey(mail.id)).await.unwrap().unwrap().state
    }

    async fn asked(purpose: CodePurpose, email: &Email) -> CodeItem {
        let item = CodeItem::asked(purpose, email.clone(), Language::Korean, None, Time::now());
        store().ask_for_code(&item).await.unwrap();
        item
    }

    fn nobody() -> Email {
        stack::member(Role::User, Time::now()).email.unwrap()
    }

    #[test]
    fn a_code_is_drawn_mailed_and_then_good_for_what_it_was_asked_for() {
        stack::run(async {
            let post = Post::answering(&[200]).await;
            let email = nobody();
            let item = asked(CodePurpose::SignUp, &email).await;
            post.send(MailMessage::Code(item.id)).await.unwrap();
            let sent = post.sent().await;
            let [(to, subject, text)] = &sent[..] else { panic!("{sent:?}") };
            assert_eq!((to.as_str(), subject.as_str()), (email.as_str(), "[소극장] 이메일 인증"));
            let code: MailedCode = text.lines().find_map(|line| line.trim().parse().ok()).unwrap();
            let right =
                store().try_code(item.id, &code, Some(CodePurpose::SignUp), Time::now()).await;
            assert!(right.is_ok());
        });
    }

    #[test]
    fn who_gets_a_code_and_who_is_told_what_instead() {
        stack::run(async {
            let known = member().await;
            let social = Member { password_hash: None, ..stack::member(Role::User, Time::now()) };
            store().transact(social.creation()).await.unwrap();
            let (known, social) = (known.email.unwrap(), social.email.unwrap());
            for (purpose, email, subject) in [
                (CodePurpose::SignUp, &nobody(), Some("이메일 인증")),
                (CodePurpose::SignUp, &known, Some("이미 가입되어 있습니다")),
                (CodePurpose::VerifyEmail, &nobody(), Some("이메일 인증")),
                (CodePurpose::VerifyEmail, &known, Some("이미 가입되어 있습니다")),
                (CodePurpose::NewPassword, &nobody(), None),
                (CodePurpose::NewPassword, &known, Some("새 비밀번호")),
                (CodePurpose::NewPassword, &social, Some("비밀번호가 없는 계정입니다")),
                (CodePurpose::LinkIdentity, &nobody(), None),
                (CodePurpose::LinkIdentity, &known, Some("간편 로그인 연결")),
            ] {
                let post = Post::answering(&[200]).await;
                let item = asked(purpose, email).await;
                post.send(MailMessage::Code(item.id)).await.unwrap();
                let subjects: Vec<_> = post.sent().await.into_iter().map(|it| it.1).collect();
                let expected: Vec<_> = subject.iter().map(|it| format!("[소극장] {it}")).collect();
                assert_eq!(subjects, expected, "{purpose:?} {}", email.as_str());
                let is_drawn =
                    store().get(&CodeKey(item.id)).await.unwrap().unwrap().hash.is_some();
                let has_code =
                    subject.is_some_and(|it| !it.contains("습니다") && !it.contains("입니다"));
                assert_eq!(is_drawn, has_code, "{purpose:?} {}", email.as_str());
            }
        });
    }

    #[test]
    fn a_code_that_may_not_have_gone_is_drawn_anew_and_the_last_one_is_good() {
        stack::run(async {
            let post = Post::answering(&[500, 429, 200]).await;
            let item = asked(CodePurpose::SignUp, &nobody()).await;
            for fails in [true, false] {
                assert_eq!(post.send(MailMessage::Code(item.id)).await.is_err(), fails);
            }
            let sent = post.sent().await;
            let code = |text: &str| text.lines().find_map(|line| line.trim().parse().ok()).unwrap();
            let last: MailedCode = code(&sent[2].2);
            assert!(store().try_code(item.id, &last, None, Time::now()).await.is_ok());
        });
    }

    #[test]
    fn what_was_asked_for_too_long_ago_is_not_mailed() {
        stack::run(async {
            let post = Post::answering(&[200]).await;
            let item = CodeItem {
                expires_at: Ttl::at(Time::now()),
                ..CodeItem::asked(
                    CodePurpose::SignUp,
                    nobody(),
                    Language::Korean,
                    None,
                    Time::now(),
                )
            };
            let late = CodeItem { expires_at: Ttl::at(Time::from_millis(1)), ..item };
            store().ask_for_code(&late).await.unwrap();
            post.send(MailMessage::Code(late.id)).await.unwrap();
            post.send(MailMessage::Code(CodeId::generate())).await.unwrap();
            assert!(post.sent().await.is_empty());
        });
    }

    #[test]
    fn a_mail_goes_once_however_often_its_message_comes() {
        stack::run(async {
            let post = Post::answering(&[200]).await;
            let (member, mail) = mail(About::PasswordChanged).await;
            for _ in 0..3 {
                post.send(MailMessage::Mail(mail.id)).await.unwrap();
            }
            let sent = post.sent().await;
            assert_eq!(sent.len(), 1);
            assert_eq!(sent[0].0, member.email.unwrap().as_str());
            let kept = store().get(&MailKey(mail.id)).await.unwrap().unwrap();
            assert_eq!((kept.state, kept.message_id.as_deref()), (MailState::Sent, Some("m-1")));
        });
    }

    #[test]
    fn what_was_announced_and_did_not_happen_is_not_mailed() {
        stack::run(async {
            let post = Post::answering(&[200]).await;
            post.send(MailMessage::Mail(MailId::generate())).await.unwrap();
            assert!(post.sent().await.is_empty());
        });
    }

    #[test]
    fn a_mail_that_surely_did_not_go_waits_and_one_that_may_have_gone_is_left() {
        stack::run(async {
            for (answers, sends, ends) in [
                (&[429, 429, 200][..], 3, MailState::Sent),
                (&[429, 429, 429, 429, 429, 429, 429, 200], 8, MailState::Sent),
                (&[500, 200], 1, MailState::Sending),
                (&[400, 200], 1, MailState::Dropped),
            ] {
                let post = Post::answering(answers).await;
                let (_, mail) = mail(About::Welcome).await;
                let mut comes = 0;
                while post.send(MailMessage::Mail(mail.id)).await.is_err() {
                    assert_eq!(state(&mail).await, MailState::Queued);
                    comes += 1;
                    assert!(comes < 5);
                }
                post.send(MailMessage::Mail(mail.id)).await.unwrap();
                assert_eq!(
                    (post.sent().await.len(), state(&mail).await),
                    (sends, ends),
                    "{answers:?}"
                );
            }
        });
    }

    #[test]
    fn a_worker_that_died_while_ses_was_asked_leaves_a_mail_that_nobody_sends_again() {
        stack::run(async {
            let post = Post::answering(&[200]).await;
            let (_, mail) = mail(About::PasswordChanged).await;
            store().move_mail(mail.id, MailState::Queued, MailState::Sending).await.unwrap();
            post.send(MailMessage::Mail(mail.id)).await.unwrap();
            assert!(post.sent().await.is_empty());
            assert_eq!(state(&mail).await, MailState::Sending);
        });
    }

    #[test]
    fn a_bounce_ends_all_but_a_code_a_day_and_a_complaint_all_but_what_keeps_the_account_safe() {
        stack::run(async {
            let device = About::NewDevice { device: Default::default(), country: None };
            for (reason, about, goes) in [
                (BlockReason::Bounced, About::PasswordChanged, false),
                (BlockReason::Bounced, About::Welcome, false),
                (BlockReason::Complained, About::PasswordChanged, true),
                (BlockReason::Complained, device, true),
                (BlockReason::Complained, About::Welcome, false),
            ] {
                let post = Post::answering(&[200]).await;
                let (member, mail) = mail(about).await;
                let email = member.email.unwrap();
                store().block(&email, &Block { reason, since: Time::now() }).await.unwrap();
                post.send(MailMessage::Mail(mail.id)).await.unwrap();
                let expected = if goes { MailState::Sent } else { MailState::Dropped };
                assert_eq!(state(&mail).await, expected, "{reason:?} {:?}", mail.about);
                for _ in 0..2 {
                    let item = asked(CodePurpose::NewPassword, &email).await;
                    post.send(MailMessage::Code(item.id)).await.unwrap();
                }
                let codes = if reason == BlockReason::Bounced { 1 } else { 2 };
                assert_eq!(post.sent().await.len(), codes + usize::from(goes), "{reason:?}");
            }
        });
    }

    #[test]
    fn what_became_of_a_payment_is_written_from_the_payment_and_not_at_all_without_it() {
        stack::run(async {
            let post = Post::answering(&[200]).await;
            let mut payment = crate::letters::tests::paid(Time::now());
            payment.id = domain::id::PaymentId::generate();
            let (payment_id, now) = (payment.id, Time::now());
            let ids = payment.ticket_ids().to_vec();
            let cause = domain::refund::Cause::EventCancelled;
            payment.refunds.push(payment.refund(ids, cause, now).unwrap());
            let abouts = || {
                [
                    (About::Receipt { payment_id }, "예매가 끝났습니다"),
                    (About::EventCancelled { payment_id }, "예매하신 공연이 취소되었습니다"),
                    (About::Refunded { payment_id, number: 0 }, "환불이 끝났습니다"),
                ]
            };
            for (about, _) in abouts() {
                let (_, mail) = mail(about).await;
                post.send(MailMessage::Mail(mail.id)).await.unwrap();
                assert_eq!(state(&mail).await, MailState::Dropped, "there is no such payment");
            }
            store().put(&PaymentKey(payment_id), &payment).await.unwrap();
            for (about, subject) in abouts() {
                let (member, mail) = mail(about).await;
                post.send(MailMessage::Mail(mail.id)).await.unwrap();
                let (to, told, text) = post.sent().await.pop().unwrap();
                assert_eq!(to, member.email.unwrap().as_str());
                assert!(
                    told.ends_with(subject) && text.contains(&payment_id.to_string()),
                    "{text}"
                );
            }
        });
    }

    #[test]
    fn a_mail_to_who_has_left_or_has_no_address_goes_nowhere() {
        stack::run(async {
            let post = Post::answering(&[200]).await;
            let gone = Mail::new(
                domain::id::MemberId::generate(),
                About::Welcome,
                Language::English,
                Time::now(),
            );
            store().transact(store::Transaction::<()>::new().also(gone.writing())).await.unwrap();
            post.send(MailMessage::Mail(gone.id)).await.unwrap();
            assert_eq!((post.sent().await.len(), state(&gone).await), (0, MailState::Dropped));
        });
    }
}
