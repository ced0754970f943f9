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

#[cfg(test)]
mod tests {
    use domain::{member::Role, time::Time};
    use serde_json::{Value, json};
    use store::inbox::mail::BlockKey;

    use super::*;

    fn store() -> Store {
        Store::new(stack::dynamo(), stack::prefix())
    }

    fn address() -> Email {
        stack::member(Role::User, Time::now()).email.unwrap()
    }

    async fn told(detail: Value) {
        let event = json!({
            "version": "0", "source": "aws.ses", "detail-type": "Email Bounced", "detail": detail,
        });
        handle(store(), serde_json::from_value(event).unwrap()).await.unwrap();
    }

    fn bounce(kind: &str, to: &str) -> Value {
        json!({
            "eventType": "Bounce", "mail": { "messageId": "m-1" },
            "bounce": { "bounceType": kind, "bounceSubType": "General",
                "bouncedRecipients": [{ "emailAddress": to, "status": "5.1.1" }] },
        })
    }

    fn complaint(to: &str) -> Value {
        json!({
            "eventType": "Complaint", "mail": { "messageId": "m-1" },
            "complaint": { "complainedRecipients": [{ "emailAddress": to }] },
        })
    }

    async fn reason(email: &Email) -> Option<BlockReason> {
        Some(store().get(&BlockKey::of(email)).await.unwrap()?.reason)
    }

    #[test]
    fn no_mailbox_or_a_complaint_ends_mail_and_a_full_mailbox_does_not() {
        stack::run(async {
            let [gone, full, angry] = [address(), address(), address()];
            told(bounce("Permanent", &gone.as_str().to_uppercase())).await;
            told(bounce("Transient", full.as_str())).await;
            told(complaint(angry.as_str())).await;
            assert_eq!(reason(&gone).await, Some(BlockReason::Bounced));
            assert_eq!(reason(&full).await, None);
            assert_eq!(reason(&angry).await, Some(BlockReason::Complained));
        });
    }

    #[test]
    fn a_complaint_outlasts_a_bounce_in_either_order() {
        stack::run(async {
            let email = address();
            told(bounce("Permanent", email.as_str())).await;
            told(complaint(email.as_str())).await;
            assert_eq!(reason(&email).await, Some(BlockReason::Complained));
            told(bounce("Permanent", email.as_str())).await;
            assert_eq!(reason(&email).await, Some(BlockReason::Complained));
        });
    }

    #[test]
    fn what_is_no_address_of_ours_is_passed_over() {
        stack::run(async { told(bounce("Permanent", "not an address")).await });
    }
}
