//! What members are told of something that happened: a mail, and with it what stands in inboxes, once.

use domain::id::{MailId, MemberId};

use super::{
    mail::{Mail, MailKey, MailState},
    notification::Notification,
};
use crate::{Store, StoreFault, Transaction, Write, was_done};

/// What is told of one thing. All of it is written at the same moment; the mail's id says whether it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The mail.
    pub mail: Mail,
    /// Who finds what in their inbox; nobody twice.
    pub notifications: Vec<(MemberId, Notification)>,
}

impl Telling {
    /// Writes it down, if its mail is not there: in a transaction of its own, or in that of what is told.
    pub fn writing(&self) -> Transaction<()> {
        let Self { mail, notifications } = self;
        let put = Transaction::new().require(Write::create(&MailKey(mail.id), mail), ());
        notifications.iter().fold(put, |whole, (member, notification)| {
            let [put, counted] = notification.writing(*member);
            whole.require(put, ()).also(counted)
        })
    }
}

impl Store {
    /// Tells all of these that were not told before, and answers the mails among them that wait to be sent.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn tell(&self, tellings: &[Telling]) -> Result<Vec<MailId>, StoreFault> {
        let keys: Vec<_> = tellings.iter().map(|telling| MailKey(telling.mail.id)).collect();
        let mut to_send = Vec::new();
        for (telling, told) in tellings.iter().zip(self.read_all(&keys).await?) {
            if told.is_none() {
                // Whoever was faster sends it, too.
                was_done(self.transact(telling.writing()).await)?;
            }
            if told.is_none_or(|mail| mail.state == MailState::Queued) {
                to_send.push(telling.mail.id);
            }
        }
        Ok(to_send)
    }
}
