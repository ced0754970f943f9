use domain::event::{Capacity, Category, Content, Place, Price, Schedule, State, Title};
use domain::id::{EventId, MemberId};
use domain::member::Nickname;
use domain::time::{Time, millis};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::jamo;

/// What the index is told of an event: everything, from its one item, or that it is gone.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// It is there.
    Listed(Box<Listing>),
    /// It was deleted. The mark stays in the index, so that a late record of the event can't bring it back.
    Deleted {
        /// Which event.
        id: EventId,
        /// The version after its last.
        version: u64,
    },
}

/// An event as the search knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// Which event.
    pub id: EventId,
    /// The item's version. Of two documents of an event the one with the higher version stays, whichever comes first.
    pub version: u64,
    /// What it is called.
    pub title: Title,
    /// What is to be seen and heard.
    pub content: Content,
    /// Where it takes place.
    pub place: Place,
    /// What kind it is.
    pub category: Category,
    /// How many tickets there are.
    pub capacity: Capacity,
    /// What one costs.
    pub price: Price,
    /// Who published it.
    pub artist_id: MemberId,
    /// The name the artist is shown by.
    pub artist_nickname: Nickname,
    /// When it takes place and when it is sold.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// When it was published.
    #[serde(with = "millis")]
    pub created_at: Time,
    /// Whether it takes place.
    pub state: State,
}

impl Document {
    /// Which event it tells of.
    pub fn id(&self) -> EventId {
        match self {
            Self::Listed(listing) => listing.id,
            Self::Deleted { id, .. } => *id,
        }
    }

    pub(crate) fn version(&self) -> u64 {
        match self {
            Self::Listed(listing) => listing.version,
            Self::Deleted { version, .. } => *version,
        }
    }

    /// What is stored, in the fields of `infra/search/events.json`.
    pub(crate) fn source(&self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Deleted { id, version } => {
                Ok(json!({ "id": id, "version": version, "deleted": true }))
            }
            Self::Listed(listing) => {
                let mut source = serde_json::to_value(listing)?;
                source["deleted"] = false.into();
                source["jamo"] = jamo(listing);
                Ok(source)
            }
        }
    }
}

/// What was typed as keys, or as initials, is looked for here.
fn jamo(listing: &Listing) -> Value {
    let texts = [listing.title.as_str(), listing.place.as_str(), listing.artist_nickname.as_str()];
    let [title, place, artist] = texts.map(jamo::beginnings);
    let initials = texts.map(jamo::initials);
    json!({
        "names": format!("{title} {place} {artist}"),
        "title": title,
        "place": place,
        "initials": { "title": initials[0], "others": initials[1..].join(" ") },
    })
}

impl From<Listing> for Document {
    fn from(listing: Listing) -> Self {
        Self::Listed(Box::new(listing))
    }
}
