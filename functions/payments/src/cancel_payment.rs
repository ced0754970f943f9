//! `GET /v1/payments/{paymentId}/returns/{token}/cancel`: the buyer called it off on KakaoPay's page and comes back.

use api::{Anyone, Anything, Call, Path, Problem, Query, Response};
use gateways::Kakaopay;
use sales::come_back_unpaid;
use store::Store;

use crate::{
    return_page::{ReturnPath, show},
    view::PaymentView,
};

/// Comes back from KakaoPay, unpaid
///
/// Gives the seats back if KakaoPay says that the order is over, for a visit alone may be a link preview's. If not, the payment
/// waits on, and the page has a button that calls it off. A browser is shown a page, a program JSON. Coming back twice changes nothing.
#[utoipa::path(get, path = "/v1/payments/{paymentId}/returns/{token}/cancel", params(ReturnPath),
    responses((status = 200, description = "How the payment stands", content((PaymentView = "application/json"), (String = "text/html")))),
)]
pub async fn handle(
    (store, kakaopay): (Store, Kakaopay),
    call: Call<Anyone, (Path<ReturnPath>, Query<Anything>)>,
) -> Result<Response, Problem> {
    let Call { input: (Path(ReturnPath { payment_id, token }), _), context, .. } = call;
    let payment = come_back_unpaid(&store, &kakaopay, payment_id, &token, context.now).await?;
    Ok(show(payment, &context))
}
