//! What a member is handed of their own when it is too large for an answer: one a day, which a worker writes to a file.

use std::time::Duration;

use domain::{
    id::{ExportId, MemberId},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{
    Compare, Rejected, Store, StoreFault, Ttl, Write,
    identity::{member::MemberKey, session::SignedIn},
    was_done,
};

/// How long it is handed over. Its file is kept at least as long (`infra/data.yaml`).
const LIFE: Duration = Duration::from_hours(24);

/// After so long nobody is writing it any more, and another may be begun: longer than `write_export` lives.
const PATIENCE: Duration = Duration::from_mins(5);

key!(
    /// Where a member's export stands.
    #[derive(Copy)]
    pub struct ExportKey(member_id: MemberId) => ExportItem in Ephemeral, pk("EXPORT#{member_id}"), sk("EXPORT")
);

/// An export that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportItem {
    /// Its id: another one has another file.
    pub id: ExportId,
    /// When it was asked for.
    #[serde(with = "domain::time::millis")]
    pub begun_at: Time,
    /// When its file was written, if it is.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub ready_at: Option<Time>,
    /// When another may be asked for.
    pub expires_at: Ttl,
}

impl ExportItem {
    /// One that nobody has written yet.
    pub fn begun(now: Time) -> Self {
        let expires_at = Ttl::at(now.plus(LIFE));
        Self { id: ExportId::generate(), begun_at: now, ready_at: None, expires_at }
    }

    /// Whether its file is there, or is still to be expected.
    pub fn holds(&self, now: Time) -> bool {
        let expected = self.ready_at.is_some() || now < self.begun_at.plus(PATIENCE);
        expected && !self.expires_at.is_past(now)
    }
}

impl ExportKey {
    /// Of a caller whose session is read together with it.
    pub fn of(caller: &SignedIn) -> Self {
        Self(caller.member_id())
    }
}

impl Store {
    /// Begins an export in place of the one before, if that is still what stands there. Answers the one that was begun: of many
    /// who begin at once, the same one.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn begin_export(
        &self,
        member_id: MemberId,
        before: Option<&ExportItem>,
        export: ExportItem,
    ) -> Result<ExportItem, StoreFault> {
        let key = ExportKey(member_id);
        let write = Write::put(&key, &export);
        let write = match before {
            None => write.when_absent("pk"),
            // It may have gone meanwhile.
            Some(before) => write.when_absent_or("id", Compare::Equal, before.id),
        };
        match self.write_or_find::<ExportKey>(write).await {
            Ok(()) => Ok(export),
            Err(Rejected::Condition(another)) => Ok(another.unwrap_or(export)),
            Err(Rejected::Store(fault)) => Err(fault),
        }
    }

    /// Whether an export is still to be written: it is the one that stands there, nobody has written it yet, and its member has not left.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn is_export_wanted(
        &self,
        member_id: MemberId,
        id: ExportId,
        now: Time,
    ) -> Result<bool, StoreFault> {
        let (member, export) = self.read(&(MemberKey(member_id), ExportKey(member_id))).await?;
        let is_here = member.is_some_and(|member| member.left.is_none());
        let is_awaited =
            |it: &ExportItem| it.id == id && it.ready_at.is_none() && !it.expires_at.is_past(now);
        Ok(is_here && export.as_ref().is_some_and(is_awaited))
    }

    /// Notes that the file of an export is there. Of one that is no longer waited for nothing is noted.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn export_is_ready(
        &self,
        member_id: MemberId,
        id: ExportId,
        now: Time,
    ) -> Result<(), StoreFault> {
        let ready = Write::update(&ExportKey(member_id)).set("readyAt", now.millis());
        was_done(self.write(ready.when("id", Compare::Equal, id), ()).await)?;
        Ok(())
    }
}
