//! What belongs to an event: read page by page, or all of it as a table.

use std::{future::Future, time::Duration};

use api::{Page, Problem, Response, Table};
use futures::future::try_join_all;
use gateways::{Files, files::Kind};
use serde::{Deserialize, Serialize};
use store::{Start, StoreFault, identity::session::Session, sales::by_event::SHARDS};

/// So many items are looked at for one page: who looks for some of them reads on.
const LOOKED_AT: u32 = 1_000;

/// And in so many steps, one after the other.
const ROUNDS: u32 = 20;

/// So many items are read at once for a table.
const AT_ONCE: u32 = 100;

/// How much of a table is answered at once, in bytes: some 700 tickets, which few of our shows have. Lambda takes six megabytes
/// at most, and 100,000 tickets are twice that.
const LARGEST: usize = 64 * 1024;

/// How long a link opens a table: for less than the session of any function's role lasts.
const LINK: Duration = Duration::from_mins(15);

/// Where a page starts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Position {
    shard: u8,
    start: Option<Start>,
}

/// Something of an event, which stands in shards.
pub trait OfEvent: Sync {
    /// What is shown of each.
    type View: Send;

    /// What is shown of at most so many of one shard, and where the next ones start.
    fn some(
        &self,
        shard: u8,
        limit: u32,
        start: Option<Start>,
    ) -> impl Future<Output = Result<(Vec<Self::View>, Option<Start>), StoreFault>> + Send;

    /// A page from a position on, and the next one.
    fn page(
        &self,
        mut from: Position,
        limit: u32,
    ) -> impl Future<Output = Result<(Vec<Self::View>, Option<Position>), StoreFault>> + Send {
        async move {
            let (mut found, mut looked_at, mut rounds) = (Vec::new(), 0, 0);
            while from.shard < SHARDS {
                let wanted = limit.saturating_sub(found.len() as u32);
                if wanted == 0 || looked_at >= LOOKED_AT || rounds == ROUNDS {
                    return Ok((found, Some(from)));
                }
                let (some, next) = self.some(from.shard, wanted, from.start).await?;
                found.extend(some);
                (looked_at, rounds) = (looked_at + wanted, rounds + 1);
                let shard = if next.is_some() { from.shard } else { from.shard + 1 };
                from = Position { shard, start: next };
            }
            Ok((found, None))
        }
    }

    /// All of them, in no order.
    fn all(&self) -> impl Future<Output = Result<Vec<Self::View>, StoreFault>> + Send {
        async move {
            let shards = try_join_all((0..SHARDS).map(|shard| self.shard(shard))).await?;
            Ok(shards.into_iter().flatten().collect())
        }
    }

    /// All of one shard.
    fn shard(&self, shard: u8) -> impl Future<Output = Result<Vec<Self::View>, StoreFault>> + Send {
        async move {
            let (mut all, mut start) = (Vec::new(), None);
            loop {
                let (some, next) = self.some(shard, AT_ONCE, start).await?;
                all.extend(some);
                start = next;
                if start.is_none() {
                    return Ok(all);
                }
            }
        }
    }
}

/// What a table is called where it is kept, and by a browser.
pub struct Named {
    /// In the bucket, beside what its artist is handed of their own: it goes within days, and when they leave.
    pub file: String,
    /// Its `Content-Disposition`.
    pub disposition: &'static str,
}

/// A table as an answer or, if it is too large for one, a link to it.
///
/// # Errors
/// `FILES_UNAVAILABLE`.
pub async fn answer(
    files: &Files,
    session: &Session,
    Named { file, disposition }: Named,
    table: String,
) -> Result<Response, Problem> {
    let kind = Kind { media_type: Table::KIND, disposition };
    if table.len() <= LARGEST {
        return Ok(Page::new(kind.media_type, table).attached(disposition).negotiated().into());
    }
    // One table must not stand where a link to another leads.
    let file = format!("exports/{}/{:016x}-{file}", session.member.id, fastrand::u64(..));
    files.put(&file, kind, table.into_bytes()).await?;
    Ok(api::Answer::see_other(&files.link(&file, LINK).await?).into())
}
