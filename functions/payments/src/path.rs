use api::FieldFaults;
use deserr::Deserr;
use domain::id::{EventId, PaymentId};
use utoipa::IntoParams;

/// Which payment.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct PaymentPath {
    /// The payment.
    pub payment_id: PaymentId,
}

/// Which event.
#[derive(Debug, Clone, Copy, Deserr, IntoParams)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct EventPath {
    /// The event's id.
    #[param(inline)]
    pub event_id: EventId,
}
