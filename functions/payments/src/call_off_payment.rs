//! `POST /v1/payments/{paymentId}/returns/{token}/cancel`: whoever came back from KakaoPay unpaid presses the page's button.

use api::{Anyone, Anything, Call, Path, Problem, Query, Response};
use sales::call_off;
use store::Store;

use crate::{
    return_page::{ReturnPath, show},
    view::PaymentView,
};

/// Calls an unpaid payment off, from the page after KakaoPay's
///
/// Gives the seats back. What is past that point stays as it is, so twice is no fault. A browser is shown a page, a program JSON.
#[utoipa::path(post, path = "/v1/payments/{paymentId}/returns/{token}/cancel", params(ReturnPath),
    responses((status = 200, description = "How the payment stands", content((PaymentView = "application/json"), (String = "text/html")))),
)]
pub async fn handle(
    store: Store,
    call: Call<Anyone, (Path<ReturnPath>, Query<Anything>)>,
) -> Result<Response, Problem> {
    let Call { input: (Path(ReturnPath { payment_id, token }), _), context, .. } = call;
    let payment = call_off(&store, payment_id, &token, context.now).await?;
    Ok(show(payment, &context))
}
