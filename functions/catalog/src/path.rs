use api::{FieldFaults, Problem};
use deserr::Deserr;
use domain::{
    codes::EVENT_NOT_FOUND,
    id::{EventId, MemberId},
};
use store::catalog::event::Event;
use utoipa::IntoParams;

/// Which event.
#[derive(Debug, Clone, Copy, Deserr, IntoParams)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct EventPath {
    /// The event's id.
    #[param(inline)]
    pub event_id: EventId,
}

/// An event, for its artist: for everybody else it does not exist.
///
/// # Errors
/// `EVENT_NOT_FOUND`.
pub fn own(event: Option<Event>, caller: MemberId) -> Result<Event, Problem> {
    let own = |event: &Event| event.artist_id == caller && event.deleted_at.is_none();
    event.filter(own).ok_or_else(|| Problem::new(EVENT_NOT_FOUND))
}
