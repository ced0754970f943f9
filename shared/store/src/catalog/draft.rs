//! Drafts: events that nobody but their artist knows of. They stand among their artist's, where no reader of events comes by, and
//! become events when they are published.

use domain::{
    id::{EventId, MemberId},
    time::Time,
};

use super::{change::NotChanged, event::Event};
use crate::{
    Compare, Index, Page, Query, Rejected, Start, Store, StoreFault, Table, Transaction, Write,
    identity::{
        member::{Member, MemberKey},
        session::SignedIn,
    },
};

key!(
    /// Where a draft stands.
    #[derive(Copy)]
    pub struct DraftKey {
        /// Whose it is.
        artist_id: MemberId,
        /// The event that it is to be.
        id: EventId,
    } => Event in Catalog, pk("{}", of(*artist_id)), sk("{DRAFT}{id}")
);

pub(crate) const DRAFT: &str = "DRAFT#";

/// The partition of what is an artist's.
pub(super) fn of(artist_id: MemberId) -> String {
    format!("ART#{artist_id}")
}

impl DraftKey {
    /// Of a caller whose session is read together with it.
    pub fn of(caller: &SignedIn, id: EventId) -> Self {
        Self { artist_id: caller.member_id(), id }
    }

    /// Deletes it, if it is there.
    pub fn delete(&self) -> Write {
        Write::delete(self).when_present("pk")
    }
}

impl Event {
    /// Where it stands as a draft.
    pub const fn draft(&self) -> DraftKey {
        DraftKey { artist_id: self.artist_id, id: self.id }
    }
}

impl Store {
    /// Writes what becomes of a draft that stays one, if it is as it was read.
    ///
    /// # Errors
    /// [`NotChanged::Since`], or the database's trouble.
    pub async fn change_draft(
        &self,
        before: &Event,
        wanted: Event,
        now: Time,
    ) -> Result<Event, Rejected<NotChanged>> {
        if wanted == *before {
            return Ok(wanted);
        }
        let after = Event { version: before.version + 1, updated_at: now, ..wanted };
        let write = Write::change(&before.draft(), before, &after);
        let write = write.when("version", Compare::Equal, before.version);
        self.write(write, NotChanged::Since).await?;
        Ok(after)
    }

    /// Makes an event of a draft, if it is as it was read and its artist has not left: in one transaction with its stock.
    ///
    /// # Errors
    /// [`NotChanged`], or the database's trouble.
    pub async fn publish(
        &self,
        before: &Event,
        wanted: Event,
        artist: &Member,
        now: Time,
    ) -> Result<Event, Rejected<NotChanged>> {
        let event = Event {
            artist_nickname: artist.nickname.clone(),
            version: before.version + 1,
            created_at: now,
            updated_at: now,
            ..wanted.spread()
        };
        let gone = Write::delete(&before.draft()).when("version", Compare::Equal, before.version);
        let whole = Transaction::new()
            .require(gone, NotChanged::Since)
            .require(MemberKey(artist.id).is_here(), NotChanged::Left);
        self.transact(event.publication().into_iter().fold(whole, Transaction::also)).await?;
        Ok(event)
    }

    /// The drafts of an artist, in the order in which they were begun. They may be a second old.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn drafts_of(
        &self,
        artist_id: MemberId,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Event>, StoreFault> {
        let query = Query::new(Index::of(Table::Catalog), of(artist_id), limit);
        self.query(query.beginning(DRAFT).after(start)).await
    }
}
