use api::FieldFaults;
use deserr::Deserr;
use domain::id::{DoorKeyId, EventId, TicketId};
use utoipa::IntoParams;

/// Which ticket.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct TicketPath {
    /// The ticket.
    pub ticket_id: TicketId,
}

/// Which event.
#[derive(Debug, Clone, Copy, Deserr, IntoParams)]
#[deserr(error = FieldFaults, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct EventPath {
    /// The event.
    pub event_id: EventId,
}

/// Which door key of which event.
#[derive(Debug, Clone, Copy, Deserr, IntoParams)]
#[deserr(error = FieldFaults, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct DoorKeyPath {
    /// The event.
    pub event_id: EventId,
    /// The door key.
    pub door_key_id: DoorKeyId,
}
