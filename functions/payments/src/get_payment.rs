//! `GET /v1/payments/{paymentId}`: one payment, for its buyer.

use api::{Answer, Call, FieldFaults, Path, Problem};
use deserr::Deserr;
use domain::id::PaymentId;
use store::{Store, identity::session::SignedIn, sales::payment::PaymentKey};
use utoipa::IntoParams;

use crate::view::{PaymentView, own};

/// Which payment.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct PaymentPath {
    /// The payment.
    pub payment_id: PaymentId,
}

/// Shows a payment
///
/// Its buyer only; for everybody else it does not exist.
#[utoipa::path(get, path = "/v1/payments/{paymentId}",
    params(
        PaymentPath,
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the caller has"),
    ),
    responses(
        (status = 200, description = "The payment", body = PaymentView, headers(("ETag" = String))),
        (status = 304, description = "The caller has it already"),
    ),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<PaymentPath>>,
) -> Result<Answer<PaymentView>, Problem> {
    let Call { who, input: Path(PaymentPath { payment_id }), context } = call;
    let (session, payment) = store.read_for(&who, PaymentKey(payment_id), context.now).await?;
    let payment = own(payment, &session)?;
    // A hold ends without a change of the item.
    let tag = format!("{}-{}", payment.version, payment.state_at(context.now));
    Ok(Answer::ok(PaymentView::of(payment, context.now)).tagged(&tag, &context))
}
