//! Worker on the queue of what came back: mails no more to addresses that don't exist, or that don't want it.

use api::Worker;
use domain::{member::Email, time::Time};
use serde::Deserialize;
use store::{
    Store, StoreFault,
    inbox::mail::{Block, BlockReason},
};

/// What SES says of a mail, as EventBridge passes it on.
/// <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>
#[derive(Debug, Deserialize)]
pub struct MailEvent {
    detail: Detail,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounced_recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
}

/// Blocks the addresses that a mail bounced from for good, or whose owner complained. A full mailbox is no reason.
///
/// # Errors
/// The database's trouble.
pub async fn handle(store: Store, event: MailEvent) -> Result<(), StoreFault> {
    let Detail { bounce, complaint } = event.detail;
    let bounced = bounce.filter(|bounce| bounce.bounce_type == "Permanent");
    let bounced = bounced.into_iter().flat_map(|bounce| bounce.bounced_recipients);
    let complained = complaint.into_iter().flat_map(|complaint| complaint.complained_recipients);
    let reasons = bounced
        .map(|recipient| (recipient, BlockReason::Bounced))
        .chain(complained.map(|recipient| (recipient, BlockReason::Complained)));
    for (recipient, reason) in reasons {
        // Whatever is not written as an address of ours is none that we mailed to.
        let address = recipient.email_address.parse::<Email>();
        let Ok(email) = address else { continue };
        store.block(&email, &Block { reason, since: Time::now() }).await?;
    }
    Ok(())
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}
