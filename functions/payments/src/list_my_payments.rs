//! `GET /v1/me/payments`: the caller's payments, newest first.

use api::{Answer, Call, Cursors, List, Paging, Problem, Query};
use sales::{SalesFault, as_told};
use store::{Page, Store, identity::session::SignedIn};

use crate::view::PaymentView;

/// Lists one's own payments
///
/// The newest first, whatever became of them.
#[utoipa::path(get, path = "/v1/me/payments", params(Paging),
    responses((status = 200, description = "A page of payments", body = List<PaymentView>)),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<SignedIn, Query<Paging>>,
) -> Result<Answer<List<PaymentView>>, Problem> {
    let Call { who, input: Query(paging), context } = call;
    let buyer = store.session(&who, context.now).await?.member.id;
    let scope = format!("list_my_payments {buyer}");
    let query = async |limit, start| {
        let Page { items, next } = store.payments_of(buyer, limit, start).await?;
        let mut told = Vec::new();
        for payment in items {
            told.push(as_told(&store, payment, context.now).await?);
        }
        Ok::<_, SalesFault>(Page { items: told, next })
    };
    let view = |payment| PaymentView::of(payment, context.now);
    cursors.list(&scope, paging, query, view).await
}
