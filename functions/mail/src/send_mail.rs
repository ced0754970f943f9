//! Worker on the queue of mail: writes each letter and sends it, a code as often as it takes, anything else once at most.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use api::Worker;
use aws::{Connect, ConnectError, variable};
use domain::{
    id::{CodeId, MailId},
    member::{Email, MailedCode, Purpose},
    time::Time,
};
use gateways::{
    MailMessage, Ses,
    ses::{Letter, NotSent},
};
use store::{
    Rejected, Store, StoreFault,
    ephemeral::code::{CodeItem, CodeKey},
    identity::member::{EmailKey, Member, MemberKey},
    inbox::mail::{About, BlockKey, BlockReason, Mail, MailKey, MailState},
};

use crate::{letter::Words, letters};

/// How many of this function run at once: `MaximumConcurrency` of every queue's reader (`infra/generate`).
const AT_ONCE: u32 = 5;

/// The database, and whoever carries the letters.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    ses: Ses,
    pace: Pace,
}

impl Connect for Clients {
    /// `MAIL_RATE`: how many mails SES takes of us in a second.
    async fn connect() -> Result<Self, ConnectError> {
        let (store, ses) = <(Store, Ses)>::connect().await?;
        let rate: f64 = variable("MAIL_RATE")?.parse()?;
        Ok(Self { store, ses, pace: Pace::of(rate) })
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
        MailMessage::Mail(id) => clients.send_mail(id, now).await,
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
        let words = match (asked.purpose, self.owner(&asked.email).await?) {
            (Purpose::SignUp | Purpose::VerifyEmail, None)
            | (Purpose::NewPassword | Purpose::LinkIdentity, Some(_)) => {
                match self.draw(&asked, now).await? {
                    Some(code) => letters::code(&code, asked.purpose, asked.language),
                    None => return Ok(()),
                }
            }
            (Purpose::SignUp | Purpose::VerifyEmail, Some(_)) => letters::known(asked.language),
            (Purpose::NewPassword | Purpose::LinkIdentity, None) | (Purpose::Unknown, _) => {
                return Ok(());
            }
        };
        match self.send(&asked.email, &words.letter(asked.language)?).await {
            Ok(_) => Ok(()),
            Err(NotSent::Refused(cause)) => {
                tracing::warn!(code_id = %id, cause, "SES refuses a code");
                Ok(())
            }
            Err(fault) => Err(fault.into()),
        }
    }

    async fn owner(&self, email: &Email) -> Result<Option<Member>, StoreFault> {
        match self.store.get(&EmailKey(email)).await? {
            Some(guard) => self.store.get(&MemberKey(guard.member_id)).await,
            None => Ok(None),
        }
    }

    async fn draw(&self, asked: &CodeItem, now: Time) -> Result<Option<MailedCode>, Failure> {
        let code = MailedCode::of(getrandom::u64().map_err(|_| Failure::NoRandomness)?);
        match self.store.draw_code(asked, &code, now).await {
            Ok(()) => Ok(Some(code)),
            Err(Rejected::Condition(_)) => Ok(None),
            Err(Rejected::Store(fault)) => Err(fault.into()),
        }
    }

    /// Mails what is written down, if nobody has begun to. From the mark on it is left alone, unless SES surely did nothing.
    async fn send_mail(&self, id: MailId, now: Time) -> Result<(), Failure> {
        // What was announced and is not there did not happen.
        let Some(mail) = self.store.get(&MailKey(id)).await? else { return Ok(()) };
        if !self.moved(id, MailState::Queued, MailState::Sending).await? {
            if mail.state == MailState::Sending {
                tracing::warn!(metric = "MailUnknown", mail_id = %id, "nobody knows whether a mail was sent");
            }
            return Ok(());
        }
        let Some((email, words)) = self.addressed(&mail, now).await? else {
            self.moved(id, MailState::Sending, MailState::Dropped).await?;
            return Ok(());
        };
        match self.send(&email, &words.letter(mail.language)?).await {
            Ok(message_id) => match self.store.mail_is_sent(id, &message_id).await {
                Err(Rejected::Store(fault)) => Err(fault.into()),
                Ok(()) | Err(Rejected::Condition(_)) => Ok(()),
            },
            Err(NotSent::Refused(cause)) => {
                tracing::warn!(mail_id = %id, cause, "SES refuses a mail");
                self.moved(id, MailState::Sending, MailState::Dropped).await?;
                Ok(())
            }
            Err(fault @ NotSent::NotNow(_)) => {
                self.moved(id, MailState::Sending, MailState::Queued).await?;
                Err(fault.into())
            }
            Err(NotSent::Unknown(cause)) => {
                tracing::warn!(metric = "MailUnknown", mail_id = %id, cause, "nobody knows whether a mail was sent");
                Ok(())
            }
        }
    }

    /// Whether it was there to be moved.
    async fn moved(&self, id: MailId, from: MailState, to: MailState) -> Result<bool, StoreFault> {
        match self.store.move_mail(id, from, to).await {
            Ok(()) => Ok(true),
            Err(Rejected::Condition(_)) => Ok(false),
            Err(Rejected::Store(fault)) => Err(fault),
        }
    }

    /// Where a mail goes and what it says; nothing for whom no mail reaches.
    async fn addressed(
        &self,
        mail: &Mail,
        _now: Time,
    ) -> Result<Option<(Email, Words)>, StoreFault> {
        let Some(member) = self.store.get(&MemberKey(mail.member_id)).await? else {
            return Ok(None);
        };
        let email = member.email;
        let block = self.store.get(&BlockKey::of(&email)).await?;
        let (at, language) = (mail.created_at, mail.language);
        let (words, is_security) = match &mail.about {
            About::Welcome => (letters::welcome(&member.nickname, language), false),
            About::PasswordChanged => (letters::password_changed(at, language), true),
            About::NewDevice { device, country } => {
                (letters::new_device(device, country.clone(), at, language), true)
            }
            About::Unknown => return Ok(None),
        };
        let goes = match block.map(|block| block.reason) {
            None => true,
            Some(BlockReason::Bounced) => false,
            Some(BlockReason::Complained) => is_security,
        };
        Ok(goes.then_some((email, words)))
    }

    async fn send(&self, to: &Email, letter: &Letter) -> Result<String, NotSent> {
        self.pace.turn().await;
        self.ses.send(to, letter).await
    }
}

/// Keeps all of these functions together below what SES takes of us.
#[derive(Clone)]
struct Pace {
    gap: Duration,
    next: Arc<Mutex<Instant>>,
}

impl Pace {
    fn of(rate: f64) -> Self {
        let gap = Duration::from_secs_f64(f64::from(AT_ONCE) / rate.max(0.1));
        Self { gap, next: Arc::new(Mutex::new(Instant::now())) }
    }

    async fn turn(&self) {
        tokio::time::sleep_until(self.book(Instant::now()).into()).await;
    }

    /// When the next may go.
    fn book(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = now.max(*next);
        *next = turn + self.gap;
        turn
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
    /// The system gives no random bytes.
    #[error("no randomness")]
    NoRandomness,
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}
