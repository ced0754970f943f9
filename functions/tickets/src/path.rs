use api::FieldFaults;
use deserr::Deserr;
use domain::id::TicketId;
use utoipa::IntoParams;

/// Which ticket.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct TicketPath {
    /// The ticket.
    pub ticket_id: TicketId,
}
