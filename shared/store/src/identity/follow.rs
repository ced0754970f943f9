//! Who follows whom. A pair is two items, so that it is found from either side: the follower's beside the artist's others, which is
//! also what makes the pair one, and the artist's beside the follower's others. The transaction that makes or removes them counts
//! them, and nothing else does.

use domain::{
    fault::{Code, Fault},
    id::MemberId,
    time::Time,
};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::member::{Member, MemberKey};
use crate::{
    Compare, Index, Page, Query, Rejected, Relaxed, Start, Store, StoreFault, Table, Transaction,
    Write, codes, key::Named, shard::shard_of, was_done,
};

/// Over how many partitions an artist's followers are spread, and their number with them: two who follow an artist at the same
/// moment conflict in one shard alone.
pub const SHARDS: u8 = 8;

/// How many artists one member follows at most.
pub const MOST: u32 = 1_000;

key!(
    /// Where a follower stands beside an artist's others.
    #[derive(Copy)]
    pub struct FollowerKey {
        /// The artist.
        artist_id: MemberId,
        /// Who follows.
        member_id: MemberId,
    } => Follower in Identity, pk("FOLLOWERS#{artist_id}#{}", shard_of(*member_id, SHARDS)), sk("MEM#{member_id}")
);

/// Somebody who follows an artist: there is one of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Follower {
    /// Who follows.
    pub member_id: MemberId,
    /// Since when: it finds the other item of the pair.
    #[serde(with = "domain::time::millis")]
    pub since: Time,
}

key!(
    /// Where an artist stands beside the others whom a member follows: in the order in which they were.
    #[derive(Copy)]
    struct FollowingKey {
        /// Who follows.
        member_id: MemberId,
        /// Since when, in milliseconds.
        since: i64,
        /// The artist.
        artist_id: MemberId,
    } => Following in Identity, pk("MEM#{member_id}"), sk("FOL#{since:015}#{artist_id}")
);

/// An artist whom a member follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Following {
    /// The artist.
    pub artist_id: MemberId,
    /// Since when.
    #[serde(with = "domain::time::millis")]
    pub since: Time,
}

key!(
    /// Where it is counted how many one member follows.
    #[derive(Copy)]
    struct FollowingCountKey(member_id: MemberId) => Count in Identity, pk("MEM#{member_id}"), sk("FOLLOWING")
);

key!(
    /// Where it is counted how many of an artist's followers are in one shard.
    #[derive(Copy)]
    struct FollowerCountKey {
        /// The artist.
        artist_id: MemberId,
        /// The shard.
        shard: u8,
    } => Count in Identity, pk("FOLLOWERS#{artist_id}#{shard}"), sk("COUNT")
);

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    count: u64,
}

/// Why nobody is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFollowed {
    /// Whoever has this id, if anybody, is no artist.
    #[error("there is no such artist")]
    NoArtist,
    /// Artists don't follow themselves.
    #[error("it is the artist who asks")]
    Oneself,
    /// They follow [`MOST`] already.
    #[error("no more artists can be followed")]
    Most,
}

impl Fault for NotFollowed {
    fn code(&self) -> Code {
        match self {
            Self::NoArtist => codes::ARTIST_NOT_FOUND,
            Self::Oneself => codes::FOLLOWS_ONESELF,
            Self::Most => codes::FOLLOWS_TOO_MANY,
        }
    }
}

/// What ends a transaction about a pair.
#[derive(Clone, Copy, Debug)]
enum Ended {
    /// The pair is as it should be.
    Done,
    Not(NotFollowed),
}

impl Store {
    /// An artist with the number of followers. Both may be a second old.
    ///
    /// # Errors
    /// [`NotFollowed::NoArtist`], or the database's trouble.
    pub async fn artist(&self, id: MemberId) -> Result<(Member, u64), Rejected<NotFollowed>> {
        let counts = (0..SHARDS).map(|shard| Relaxed(FollowerCountKey { artist_id: id, shard }));
        let (member, counts) =
            self.read(&(Relaxed(MemberKey(id)), counts.collect::<Vec<_>>())).await?;
        let followers = counts.iter().flatten().map(|shard| shard.count).sum();
        Ok((artist(member)?, followers))
    }

    /// Makes a member follow an artist; one who does already goes on.
    ///
    /// # Errors
    /// [`NotFollowed`], or the database's trouble.
    pub async fn follow(
        &self,
        member_id: MemberId,
        artist_id: MemberId,
        now: Time,
    ) -> Result<(), Rejected<NotFollowed>> {
        if member_id == artist_id {
            return Err(Rejected::Condition(NotFollowed::Oneself));
        }
        let key = FollowerKey { artist_id, member_id };
        let (member, follower) = self.read(&(MemberKey(artist_id), key)).await?;
        artist(member)?;
        if follower.is_some() {
            return Ok(());
        }
        let pair = Pair { key, since: now };
        let following = Following { artist_id, since: now };
        let one_more = pair.counting(1).when_absent_or("count", Compare::Below, MOST);
        let following_it = Transaction::new()
            .require(Write::create(&key, &Follower { member_id, since: now }), Ended::Done)
            .require(one_more, Ended::Not(NotFollowed::Most))
            .also(Write::put(&pair.other(), &following))
            .also(pair.counted(1));
        self.end(following_it).await
    }

    /// Makes a member no longer follow an artist, who may be gone; one who does not stays so.
    ///
    /// # Errors
    /// [`NotFollowed::NoArtist`], or the database's trouble.
    pub async fn unfollow(
        &self,
        member_id: MemberId,
        artist_id: MemberId,
    ) -> Result<(), Rejected<NotFollowed>> {
        let key = FollowerKey { artist_id, member_id };
        let (member, follower) = self.read(&(MemberKey(artist_id), key)).await?;
        let Some(Follower { since, .. }) = follower else { return artist(member).map(drop) };
        let pair = Pair { key, since };
        let gone = Write::delete(&key).when("since", Compare::Equal, since.millis());
        let leaving = Transaction::new()
            .require(gone, Ended::Done)
            .also(Write::delete(&pair.other()))
            .also(pair.counting(-1))
            .also(pair.counted(-1));
        self.end(leaving).await
    }

    /// Makes a member who left follow some fewer artists, and says whether there is none any more.
    ///
    /// # Errors
    /// The database's trouble.
    pub(crate) async fn leave_artists(
        &self,
        member_id: MemberId,
        limit: u32,
    ) -> Result<bool, StoreFault> {
        let own = format!("MEM#{member_id}");
        let query = Query::new(Index::of(Table::Identity), own.clone(), limit).beginning("FOL#");
        let Page { items: followed, next } = self.query::<Named<FollowingKey>>(query).await?;
        for named in followed {
            if let Some(artist_id) = named.last() {
                was_done(self.unfollow(member_id, artist_id).await)?;
            }
            // Should it be one of a pair no more.
            was_done(self.write(Write::delete(&named), ()).await)?;
        }
        Ok(next.is_none() && self.clear::<FollowingCountKey>(own, "FOLLOWING").await?)
    }

    /// Makes some fewer members follow an artist who left, and says whether there is none any more. All shards go at once, in each
    /// one after the other: they meet on its number.
    ///
    /// # Errors
    /// The database's trouble.
    pub(crate) async fn leave_followers(
        &self,
        artist_id: MemberId,
        limit: u32,
    ) -> Result<bool, StoreFault> {
        let shards = (0..SHARDS).map(async |shard| {
            let Page { items, next } = self.followers_of(artist_id, shard, limit, None).await?;
            for Follower { member_id, .. } in items {
                was_done(self.unfollow(member_id, artist_id).await)?;
            }
            let shard = format!("FOLLOWERS#{artist_id}#{shard}");
            let is_last = next.is_none();
            Ok::<_, StoreFault>(is_last && self.clear::<FollowerCountKey>(shard, "COUNT").await?)
        });
        let done = try_join_all(shards).await?;
        Ok(done.into_iter().all(|done| done))
    }

    async fn end(&self, transaction: Transaction<Ended>) -> Result<(), Rejected<NotFollowed>> {
        match self.transact(transaction).await {
            Ok(()) | Err(Rejected::Condition(Ended::Done)) => Ok(()),
            Err(Rejected::Condition(Ended::Not(reason))) => Err(Rejected::Condition(reason)),
            Err(Rejected::Store(fault)) => Err(fault.into()),
        }
    }

    /// The artists whom a member follows, the latest first, each with what is known of them. A page is shorter for each who is
    /// gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn followed_by(
        &self,
        member_id: MemberId,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<(Following, Member)>, StoreFault> {
        let query = Query::new(Index::of(Table::Identity), format!("MEM#{member_id}"), limit);
        let query = query.beginning("FOL#").backwards().after(start);
        let Page { items: followed, next } = self.query::<Following>(query).await?;
        let keys: Vec<_> = followed.iter().map(|it| Relaxed(MemberKey(it.artist_id))).collect();
        let mut artists = self.list(&keys).await?;
        artists.retain(|artist| artist.left.is_none());
        let artist_of =
            |it: Following| Some((it, artists.iter().find(|a| a.id == it.artist_id)?.clone()));
        Ok(Page { items: followed.into_iter().filter_map(artist_of).collect(), next })
    }

    /// The followers of an artist in one shard, in no order; who came in the last second may be missing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn followers_of(
        &self,
        artist: MemberId,
        shard: u8,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Follower>, StoreFault> {
        let partition = format!("FOLLOWERS#{artist}#{shard}");
        let query = Query::new(Index::of(Table::Identity), partition, limit);
        self.query(query.beginning("MEM#").after(start)).await
    }
}

fn artist(member: Option<Member>) -> Result<Member, Rejected<NotFollowed>> {
    let artist = member.filter(Member::is_artist);
    artist.ok_or(Rejected::Condition(NotFollowed::NoArtist))
}

/// A pair, as its items are found.
struct Pair {
    key: FollowerKey,
    since: Time,
}

impl Pair {
    /// The follower's own item of it.
    fn other(&self) -> FollowingKey {
        let FollowerKey { artist_id, member_id } = self.key;
        FollowingKey { member_id, since: self.since.millis(), artist_id }
    }

    /// Counts it with all that the member follows.
    fn counting(&self, change: i64) -> Write {
        Write::update(&FollowingCountKey(self.key.member_id)).add("count", change)
    }

    /// Counts it with the artist's followers.
    fn counted(&self, change: i64) -> Write {
        let FollowerKey { artist_id, member_id } = self.key;
        let shard = shard_of(member_id, SHARDS);
        Write::update(&FollowerCountKey { artist_id, shard }).add("count", change)
    }
}
