use domain::{
    event::{Capacity, Category, Content, Place, Price, RefundPolicy, State, TermsVersion, Title},
    id::{EventId, MemberId},
    member::Nickname,
    time::Time,
};
use serde::{Deserialize, Serialize};
use store::catalog::event::Event;
use utoipa::ToSchema;

/// An event as everybody sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    /// Its id.
    pub id: EventId,
    /// What it is called.
    pub title: Title,
    /// Where it takes place.
    pub place: Place,
    /// What is to be seen and heard.
    pub content: Content,
    /// What kind it is.
    pub category: Category,
    /// How many tickets there are.
    pub capacity: Capacity,
    /// What one ticket costs, in won.
    pub price: Price,
    /// When it starts.
    pub starts_at: Time,
    /// When it ends.
    pub ends_at: Time,
    /// The first moment of the sale.
    pub sale_starts_at: Time,
    /// The first moment after the sale.
    pub sale_ends_at: Time,
    /// What a buyer gets back.
    pub refund_policy: RefundPolicy,
    /// Whether it takes place.
    pub state: State,
    /// Rises with each change of place, times, price, refund policy or state. An order that names it is refused on other terms.
    #[schema(value_type = TermsVersion)]
    pub terms_version: u32,
    /// How many tickets are neither sold nor held at this moment.
    pub seats_left: u32,
    /// Who published it.
    pub artist: ArtistView,
    /// When it was published.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// Who is on the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ArtistView {
    /// The artist's id.
    pub id: MemberId,
    /// The name the artist is shown by.
    pub nickname: Nickname,
}

impl EventView {
    /// What is shown of an event with so many seats left.
    pub fn of(event: Event, seats_left: u32) -> Self {
        let Event { id, title, place, content, category, capacity, price, .. } = event;
        Self {
            id,
            title,
            place,
            content,
            category,
            capacity,
            price,
            starts_at: event.schedule.starts_at(),
            ends_at: event.schedule.ends_at(),
            sale_starts_at: event.schedule.sale_starts_at(),
            sale_ends_at: event.schedule.sale_ends_at(),
            refund_policy: event.refund_policy,
            state: event.state,
            terms_version: event.terms_version,
            seats_left,
            artist: ArtistView { id: event.artist_id, nickname: event.artist_nickname },
            created_at: event.created_at,
            updated_at: event.updated_at,
        }
    }
}

/// The entity tag of an event: its version, which a change has to name, and the seats left, which change without one.
pub fn tag(version: u64, seats_left: u32) -> String {
    format!("{version}.{seats_left}")
}
