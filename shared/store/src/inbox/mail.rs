//! Mail to members. It is written down in the transaction of what it is about, without an address or a word that tells who it
//! goes to; the one who mails it looks the member up.

use std::time::Duration;

use domain::{
    device::{Country, Device},
    id::{EventId, MailId, MemberId, PaymentId},
    language::Language,
    member::Email,
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::notification::of_name;
use crate::{Compare, Rejected, Store, StoreFault, Ttl, Write, ephemeral::rate::hashed, was_done};

/// How long it is known what was mailed.
const MEMORY: Duration = Duration::from_hours(90 * 24);

key!(
    /// Where a mail stands.
    #[derive(Copy)]
    pub struct MailKey(id: MailId) => Mail in Inbox, pk("MAIL#{id}"), sk("MAIL")
);

/// A mail to a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    /// Its id.
    pub id: MailId,
    /// To whom.
    pub member_id: MemberId,
    /// In which language: that of the request that it is about.
    pub language: Language,
    /// What it is about.
    pub about: About,
    /// How far it is.
    pub state: MailState,
    /// What SES calls it, once it has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// When that happened.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    /// When nobody remembers it.
    pub expires_at: Ttl,
}

/// What a mail is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum About {
    /// The account is there.
    Welcome,
    /// There is a new password.
    PasswordChanged,
    /// Somebody signed in with what they never signed in with before.
    NewDevice {
        /// With what.
        device: Device,
        /// Where from, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        country: Option<Country>,
    },
    /// The account is gone. It is mailed before its address is.
    AccountDeleted,
    /// A purchase is paid.
    Receipt {
        /// The payment.
        payment_id: PaymentId,
    },
    /// What was paid is back.
    Refunded {
        /// The payment.
        payment_id: PaymentId,
        /// Which of its refunds, from 0.
        number: u32,
    },
    /// The event does not take place.
    EventCancelled {
        /// The payment.
        payment_id: PaymentId,
    },
    /// Seats that somebody waited for are kept for them.
    WaitingListOffer {
        /// Of which event.
        event_id: EventId,
    },
    /// What only a newer program knows how to tell.
    #[serde(other)]
    Unknown,
}

/// How far a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MailState {
    /// To be mailed.
    Queued,
    /// SES is being asked. Who finds it so doesn't know whether it was, and leaves it: SES would mail it twice.
    Sending,
    /// SES has it.
    Sent,
    /// Nobody is to get it: the address takes none, or is gone.
    Dropped,
    /// What only a newer program knows.
    #[serde(other)]
    Unknown,
}

impl Mail {
    /// One that is to be mailed.
    pub fn new(member_id: MemberId, about: About, language: Language, now: Time) -> Self {
        Self {
            id: MailId::generate(),
            member_id,
            language,
            about,
            state: MailState::Queued,
            message_id: None,
            created_at: now,
            expires_at: Ttl::at(now.plus(MEMORY)),
        }
    }

    /// One about something that happened: the same by its name, however often it is made.
    pub fn named(
        name: &str,
        member_id: MemberId,
        about: About,
        language: Language,
        at: Time,
    ) -> Self {
        let id = MailId::of(at, of_name(name));
        Self { id, ..Self::new(member_id, about, language, at) }
    }

    /// Writes it down, in the transaction of what it is about.
    pub fn writing(&self) -> Write {
        Write::put(&MailKey(self.id), self)
    }
}

/// Another has begun with the mail, or is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mail is not where it was")]
pub struct Moved;

impl Store {
    /// Brings a mail from one state to the next.
    ///
    /// # Errors
    /// [`Moved`], or the database's trouble.
    pub async fn move_mail(
        &self,
        id: MailId,
        from: MailState,
        to: MailState,
    ) -> Result<(), Rejected<Moved>> {
        let write = Write::update(&MailKey(id)).set("state", to);
        self.write(write.when("state", Compare::Equal, from), Moved).await
    }

    /// Notes that SES has it, and under which name.
    ///
    /// # Errors
    /// [`Moved`], or the database's trouble.
    pub async fn mail_is_sent(&self, id: MailId, message_id: &str) -> Result<(), Rejected<Moved>> {
        let write = Write::update(&MailKey(id)).set("state", MailState::Sent);
        let write = write.set("messageId", message_id);
        self.write(write.when("state", Compare::Equal, MailState::Sending), Moved).await
    }
}

key!(
    /// Where it stands that an address takes no mail; the address is hashed.
    pub struct BlockKey(address: String) => Block in Inbox, pk("BLOCK#{address}"), sk("BLOCK")
);

impl BlockKey {
    /// Where it stands of this address.
    pub fn of(email: &Email) -> Self {
        Self(hashed(email.as_str().as_bytes()))
    }
}

/// That an address takes no mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// Why.
    pub reason: BlockReason,
    /// Since when.
    #[serde(with = "domain::time::millis")]
    pub since: Time,
}

/// Why an address takes no mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BlockReason {
    /// There is no such mailbox: nothing goes there but one code a day, if somebody asks for it, until one is shown.
    Bounced,
    /// Its owner called our mail unwanted: nothing goes there but what keeps the account safe.
    #[serde(other)]
    Complained,
}

impl Store {
    /// Mails no more to an address. A complaint outlasts a bounce, which ends by itself.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn block(&self, email: &Email, block: &Block) -> Result<(), StoreFault> {
        let write = Write::put(&BlockKey::of(email), block);
        let write = match block.reason {
            BlockReason::Complained => write,
            BlockReason::Bounced => write.when_absent("pk"),
        };
        was_done(self.write(write, ()).await)?;
        Ok(())
    }

    /// Mails to an address again that bounced: its owner has just shown a code that came there.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn unblock(&self, email: &Email) -> Result<(), StoreFault> {
        let write = Write::delete(&BlockKey::of(email));
        let bounced = write.when("reason", Compare::Equal, BlockReason::Bounced);
        was_done(self.write(bounced, ()).await)?;
        Ok(())
    }
}
