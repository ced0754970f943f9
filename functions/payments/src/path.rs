use api::FieldFaults;
use deserr::Deserr;
use domain::id::PaymentId;
use utoipa::IntoParams;

/// Which payment.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct PaymentPath {
    /// The payment.
    pub payment_id: PaymentId,
}
