//! `DELETE /v1/payments/{paymentId}`: its buyer gives an unpaid hold up.

use api::{Answer, Call, Path, Problem};
use sales::give_up;
use store::{Store, identity::session::SignedIn};

use crate::path::PaymentPath;

/// Gives an unpaid payment up
///
/// Its seats are free again at once. What ended unpaid is given up already, so twice is no fault; what is paid, or being paid, is
/// not given up (`ALREADY_PAID`). Its buyer only; for everybody else it does not exist.
#[utoipa::path(delete, path = "/v1/payments/{paymentId}", params(PaymentPath),
    responses((status = 204, description = "Given up")),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<PaymentPath>>,
) -> Result<Answer<()>, Problem> {
    let Call { who, input: Path(PaymentPath { payment_id }), context } = call;
    let buyer = store.session(&who, context.now).await?.member.id;
    give_up(&store, payment_id, buyer, context.now).await?;
    Ok(Answer::nothing())
}
