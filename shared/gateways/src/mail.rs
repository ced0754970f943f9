//! What every part asks the mail worker for.

use domain::id::{CodeId, MailId};
use serde::{Deserialize, Serialize};

use crate::Message;

/// Something to mail, by its id: who gets it and what it says is looked up when it is mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MailMessage {
    /// A code that somebody asked for.
    Code(CodeId),
    /// A mail that is written down, or will be: it is announced before that, and comes after.
    Mail(MailId),
}

impl Message for MailMessage {
    const QUEUE: &'static str = "MAIL_QUEUE_URL";
}
