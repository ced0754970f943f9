//! `GET /v1/me/tickets`: the caller's tickets, newest first.

use api::{Answer, Call, CursorKeys, Endpoint, List, Nothing, Paging, Problem, SignedIn};
use domain::{
    event::{Place, Price, Title},
    id::{EventId, PaymentId, TicketId},
    time::Time,
};
use gateways::secrets::Secret;
use serde::Serialize;
use store::{
    Start, Store,
    identity::session::SessionKey,
    sales::ticket::{Ticket, TicketState},
};
use utoipa::ToSchema;

/// One seat for one person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketView {
    /// Its id.
    id: TicketId,
    /// How it was paid.
    payment_id: PaymentId,
    /// Whether it lets somebody in.
    #[schema(value_type = String, example = "VALID")]
    state: TicketState,
    /// The event, as it was when the ticket was bought.
    event: TicketEvent,
    /// The list price, in won.
    price: Price,
    /// When it was paid.
    created_at: Time,
}

/// What a ticket is for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TicketEvent {
    id: EventId,
    title: Title,
    place: Place,
    starts_at: Time,
    ends_at: Time,
}

impl From<Ticket> for TicketView {
    fn from(ticket: Ticket) -> Self {
        let event = TicketEvent {
            id: ticket.event_id,
            title: ticket.event_title,
            place: ticket.place,
            starts_at: ticket.schedule.starts_at(),
            ends_at: ticket.schedule.ends_at(),
        };
        Self {
            id: ticket.id,
            payment_id: ticket.payment_id,
            state: ticket.state,
            event,
            price: ticket.price,
            created_at: ticket.created_at,
        }
    }
}

/// What the list needs.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    cursors: Secret<CursorKeys>,
}

/// Lists one's own tickets
///
/// The newest first.
#[utoipa::path(get, path = "/v1/me/tickets", params(Paging),
    responses((status = 200, description = "A page of tickets", body = List<TicketView>)),
    security(("bearer" = [])),
)]
pub async fn handle(
    clients: Clients,
    call: Call<SignedIn, Nothing, Nothing, Paging>,
) -> Result<Answer<List<TicketView>>, Problem> {
    let Clients { store, cursors } = clients;
    let Call { who: SignedIn(claims), query, context, .. } = call;
    let member_id = claims.member_id;
    store.session(SessionKey { member_id, session_id: claims.session_id }, context.now).await?;
    let scope = format!("list_my_tickets {member_id}");
    let start: Option<Start> = match &query.cursor {
        Some(cursor) => Some(cursors.get().await?.open(&scope, cursor)?),
        None => None,
    };
    let page = store.tickets_of(member_id, query.limit().get() as u32, start).await?;
    let next_cursor = match page.next {
        Some(next) => Some(cursors.get().await?.seal(&scope, &next)?),
        None => None,
    };
    let items = page.items.into_iter().map(TicketView::from).collect();
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
