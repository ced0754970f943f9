//! `GET /v1/me/tickets`: the caller's tickets, newest first.

use api::{Answer, Call, Cursors, List, Paging, Problem, Query};
use store::{Store, StoreFault, identity::session::SignedIn, sales::ticket::Ticket};

use crate::view::TicketView;

/// Lists one's own tickets
///
/// The newest first. What says where and when it takes place now may be a second old.
#[utoipa::path(get, path = "/v1/me/tickets", params(Paging),
    responses((status = 200, description = "A page of tickets", body = List<TicketView>)),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<SignedIn, Query<Paging>>,
) -> Result<Answer<List<TicketView>>, Problem> {
    let Call { who, input: Query(paging), context } = call;
    let holder = store.session(&who, context.now).await?.member.id;
    let scope = format!("list_my_tickets {holder}");
    let query = async |limit, start| {
        let page = store.tickets_of(holder, limit, start).await?;
        let events = store.events_on_sale(page.items.iter().map(|it| it.event_id)).await?;
        let view = |ticket: Ticket| {
            let now = events.get(&ticket.event_id);
            TicketView::of(ticket, now)
        };
        Ok::<_, StoreFault>(page.map(view))
    };
    cursors.list(&scope, paging, query, |view| view).await
}

#[cfg(test)]
mod tests {
    use api::{Context, Response};
    use aws::Secret;
    use domain::{member::Role, time::Time};
    use serde_json::json;

    use super::*;

    #[test]
    fn who_has_no_ticket_gets_an_empty_list_and_who_signed_out_none() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            let now = Time::now();
            let claims = stack::sign_in(&store, Role::User, now).await;
            let asked = || {
                let input = Query(Paging::default());
                let call = Call { who: stack::caller(&claims), input, context: Context::at(now) };
                // No page has a next one, so nobody asks for the keys.
                let cursors =
                    Cursors::new(Secret::new(&stack::aws("http://127.0.0.1:1"), "cursor"));
                handle((store.clone(), cursors), call)
            };
            let answer = Response::from(asked().await.unwrap());
            let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!(body, json!({ "items": [] }));

            store.sign_out(&stack::caller::<SignedIn>(&claims), now).await.unwrap();
            assert_eq!(asked().await.unwrap_err().code(), "SESSION_ENDED");
        });
    }
}
