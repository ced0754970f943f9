//! What goes by mail: codes that somebody asks for, and letters about what was done.

use std::time::Duration;

use api::{Context, Problem};
use domain::{
    fault::{Code, Fault},
    id::CodeId,
    member::{CodePurpose, MailedCode},
};
use gateways::{MailMessage, Queue};
use serde::Serialize;
use store::{
    Store, Transaction,
    ephemeral::code::{CodeItem, NotGood},
    identity::member::{NotChanged, Taken},
    inbox::mail::Mail,
};
use utoipa::ToSchema;

use crate::limits;

/// A letter is announced before what it is about is done, and looked for so much later: longer than any function with a route
/// lives, whom the gateway gives 29 seconds. So one that dies in between leaves neither a letter about nothing nor nothing about a
/// letter.
pub const ANNOUNCED: Duration = Duration::from_secs(30);

/// The database, and the queue of what is to be mailed.
pub type Clients = (Store, Queue<MailMessage>);

/// What whoever asks for a code is told, whether the address is somebody's or not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodeAsked {
    /// What the code is to be shown with.
    code_id: CodeId,
}

/// Has a code mailed.
///
/// # Errors
/// The database's or the queue's trouble.
pub async fn ask((store, queue): &Clients, item: &CodeItem) -> Result<CodeAsked, Problem> {
    store.ask_for_code(item).await?;
    queue.send(&MailMessage::Code(item.id), Duration::ZERO).await?;
    Ok(CodeAsked { code_id: item.id })
}

/// Does what a letter is about, and has the letter mailed; neither without the other.
///
/// # Errors
/// What the transaction's conditions say; the database's or the queue's trouble.
pub async fn do_and_tell<C: Fault + Clone>(
    (store, queue): &Clients,
    transaction: Transaction<C>,
    mail: &Mail,
) -> Result<(), Problem> {
    queue.send(&MailMessage::Mail(mail.id), ANNOUNCED).await?;
    store.transact(transaction.also(mail.writing())).await?;
    Ok(())
}

/// The code that somebody shows, if it is good, and for this. That it came shows that mail reaches the address.
///
/// # Errors
/// When it is not, or too many were tried from there; the database's trouble.
pub async fn shown(
    store: &Store,
    (id, code): (CodeId, &MailedCode),
    purpose: Option<CodePurpose>,
    context: &Context,
) -> Result<CodeItem, Problem> {
    let (network, now) = (limits::address(&context.address), context.now);
    store.count(limits::CODE_TRIED_FROM, &network, now).await?;
    let item = store.try_code(id, code, purpose, now).await?;
    store.unblock(&item.email).await?;
    Ok(item)
}

/// Why what a code is good for can't be done.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum NotDone {
    /// It was used up meanwhile.
    #[error(transparent)]
    NotGood(#[from] NotGood),
    /// Somebody else has what this would take.
    #[error(transparent)]
    Taken(#[from] Taken),
    /// The account is not what it was.
    #[error(transparent)]
    NotChanged(#[from] NotChanged),
}

impl Fault for NotDone {
    fn code(&self) -> Code {
        match self {
            Self::NotGood(fault) => fault.code(),
            Self::Taken(fault) => fault.code(),
            Self::NotChanged(fault) => fault.code(),
        }
    }
}

/// Uses a code up, with whatever is added to it.
pub fn using(code: &CodeItem) -> Transaction<NotDone> {
    Transaction::new().require(code.use_up(), NotGood.into())
}
