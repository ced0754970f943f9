//! `GET /v1/payments/{paymentId}`: one payment, for its buyer.

use api::{Answer, Call, Path, Problem};
use sales::as_told;
use store::{Store, identity::session::SignedIn, sales::payment::PaymentKey};

use crate::{
    path::PaymentPath,
    view::{PaymentView, own},
};

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
    let payment = as_told(&store, payment, context.now).await?;
    let version = payment.version;
    Ok(Answer::ok(PaymentView::of(payment, context.now)).versioned(version, &context))
}
