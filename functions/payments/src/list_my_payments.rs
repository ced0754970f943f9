//! `GET /v1/me/payments`: the caller's payments, newest first.

use api::{Answer, Call, CursorKeys, Endpoint, List, Nothing, Paging, Problem, SignedIn};
use gateways::secrets::Secret;
use store::{Start, Store, identity::session::SessionKey};

use crate::view::PaymentView;

/// What the list needs.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    cursors: Secret<CursorKeys>,
}

/// Lists one's own payments
///
/// The newest first, whatever became of them.
#[utoipa::path(get, path = "/v1/me/payments", params(Paging),
    responses((status = 200, description = "A page of payments", body = List<PaymentView>)),
    security(("bearer" = [])),
)]
pub async fn handle(
    clients: Clients,
    call: Call<SignedIn, Nothing, Nothing, Paging>,
) -> Result<Answer<List<PaymentView>>, Problem> {
    let Clients { store, cursors } = clients;
    let Call { who: SignedIn(claims), query, context, .. } = call;
    let (member_id, now) = (claims.member_id, context.now);
    store.session(SessionKey { member_id, session_id: claims.session_id }, now).await?;
    let scope = format!("list_my_payments {member_id}");
    let start: Option<Start> = match &query.cursor {
        Some(cursor) => Some(cursors.get().await?.open(&scope, cursor)?),
        None => None,
    };
    let page = store.payments_of(member_id, query.limit().get() as u32, start).await?;
    let next_cursor = match page.next {
        Some(next) => Some(cursors.get().await?.seal(&scope, &next)?),
        None => None,
    };
    let items = page.items.into_iter().map(|payment| PaymentView::of(payment, now)).collect();
    Ok(Answer::ok(List { items, next_cursor }))
}

/// The endpoint.
pub fn endpoint() -> Endpoint {
    let connect = async || -> Result<Clients, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Clients {
            store: Store::connect().await?,
            cursors: Secret::connect("CURSOR_SECRET_ID").await?,
        })
    };
    Endpoint::new(connect, handle)
}
