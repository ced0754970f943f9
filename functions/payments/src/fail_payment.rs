//! `GET /v1/payments/{paymentId}/returns/{token}/fail`: the buyer could not pay on KakaoPay's page and comes back.

use api::{Anyone, Anything, Call, Path, Problem, Query, Response};
use sales::fail;
use store::Store;

use crate::{
    return_page::{ReturnPath, show},
    view::PaymentView,
};

/// Comes back from KakaoPay, unpaid
///
/// Gives the seats back. A browser is shown a page, a program JSON. Coming back twice changes nothing.
#[utoipa::path(get, path = "/v1/payments/{paymentId}/returns/{token}/fail", params(ReturnPath),
    responses((status = 200, description = "How the payment stands", content((PaymentView = "application/json"), (String = "text/html")))),
)]
pub async fn handle(
    store: Store,
    call: Call<Anyone, (Path<ReturnPath>, Query<Anything>)>,
) -> Result<Response, Problem> {
    let Call { input: (Path(ReturnPath { payment_id, token }), _), context, .. } = call;
    let payment = fail(&store, payment_id, &token, context.now).await?;
    Ok(show(payment, &context))
}
