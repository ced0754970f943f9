//! Worker on the queue of exports: writes to a file what a member is handed, when it is too large for an answer.

use api::Worker;
use domain::time::Time;
use gateways::{Files, files::NotDone};
use store::{Store, StoreFault};

use crate::own_data::{KIND, OwnData, Wanted};

/// Why an export is not written.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database's trouble.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The file's.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

/// Writes the file, and then notes that it is there. Whether it is still wanted is asked last, right before: who left meanwhile leaves
/// nothing behind.
///
/// # Errors
/// When it is not written: the message comes again.
pub async fn handle((store, files): (Store, Files), wanted: Wanted) -> Result<(), Failure> {
    let Wanted { member_id, export_id } = wanted;
    let Some(OwnData(text)) = OwnData::of(&store, member_id, usize::MAX).await? else {
        return Ok(());
    };
    let now = Time::now();
    if store.is_export_wanted(member_id, export_id, now).await? {
        files.put(&wanted.file(), KIND, text.into_bytes()).await?;
        store.export_is_ready(member_id, export_id, now).await?;
    }
    Ok(())
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}
