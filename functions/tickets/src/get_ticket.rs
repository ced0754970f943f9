//! `GET /v1/tickets/{ticketId}`: one ticket with what lets its owner in, as JSON or as a QR code.

use api::{Answer, Call, Page, Path, Problem, Response};
use domain::ticket::State;
use http::header;
use store::{Store, identity::session::SignedIn, sales::ticket::TicketKey};
use utoipa::ToSchema;

use crate::{
    codes,
    path::TicketPath,
    payload::{Payload, Signer},
    qr,
    view::TicketView,
};

const JSON: &str = "application/json";
const SVG: &str = "image/svg+xml";
const PNG: &str = "image/png";

/// A QR code, in bytes.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Picture(pub Vec<u8>);

/// Shows a ticket
///
/// To its owner only; for everybody else it does not exist. `payload` is what lets somebody in: the text of the QR code. By
/// `Accept` the code itself is answered, as `image/svg+xml` or, for who names it before all else, `image/png`; a ticket that was
/// given back has none.
#[utoipa::path(get, path = "/v1/tickets/{ticketId}",
    params(TicketPath),
    responses(
        (status = 200, description = "The ticket", content(
            (TicketView = "application/json"), (String = "image/svg+xml"), (Picture = "image/png"),
        ), headers(("Vary" = String))),
    ),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, signer): (Store, Signer),
    call: Call<SignedIn, Path<TicketPath>>,
) -> Result<Response, Problem> {
    let Call { who, input: Path(TicketPath { ticket_id }), context } = call;
    let (session, ticket) = store.read_for(&who, TicketKey(ticket_id), context.now).await?;
    let ticket = ticket.filter(|ticket| ticket.member_id == session.member.id);
    let ticket = ticket.ok_or_else(|| Problem::new(codes::TICKET_NOT_FOUND))?;
    let payload = match ticket.state {
        State::Valid | State::CheckedIn => {
            Some(signer.sign(&Payload { ticket_id, event_id: ticket.event_id }).await?)
        }
        State::Refunded | State::Unknown => None,
    };
    let code = || payload.as_deref().ok_or_else(|| Problem::new(codes::TICKET_WITHOUT_CODE));
    // The gateway makes bytes of our base64 only for who names them first.
    let names_png_first = context.header(header::ACCEPT).is_some_and(|it| it.starts_with(PNG));
    let kinds = if names_png_first { &[JSON, SVG, PNG][..] } else { &[JSON, SVG] };
    Ok(match context.prefers(kinds) {
        Some(PNG) => Page::new(PNG, qr::png(code()?)?).negotiated().into(),
        Some(SVG) => Page::new(SVG, qr::svg(code()?)?).negotiated().into(),
        _ => {
            let now = store.events_on_sale([ticket.event_id]).await?;
            let now = now.get(&ticket.event_id);
            let view = TicketView::of(ticket, now).with(payload);
            Answer::ok(view).with(header::VARY, "accept").into()
        }
    })
}

#[cfg(test)]
mod tests {
    use api::Context;
    use domain::{id::TicketId, member::Role, time::Time, who::Claims};
    use http::{HeaderMap, HeaderValue};
    use serde_json::Value;
    use store::{
        Write,
        catalog::on_sale::{OnSale, OnSaleKey},
    };

    use super::*;
    use crate::testing::{public_keys, signer, ticket_of};

    async fn shown(
        store: &Store,
        claims: &Claims,
        ticket_id: TicketId,
        accept: &'static str,
    ) -> Result<Response, Problem> {
        let mut context = Context::at(Time::now());
        context.headers =
            HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        let input = Path(TicketPath { ticket_id });
        let call = Call { who: stack::caller(claims), input, context };
        handle((store.clone(), signer().await), call).await
    }

    fn kind(answer: &Response) -> &str {
        answer.headers()[header::CONTENT_TYPE].to_str().unwrap()
    }

    #[test]
    fn its_owner_sees_a_ticket_with_what_lets_them_in_and_nobody_else_sees_it() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            let (owner, ticket) = ticket_of(&store).await;
            meter.take();
            let answer = shown(&store, &owner, ticket.id, "*/*").await.unwrap();
            stack::assert_operation("get_ticket", &meter.take());
            let body: Value = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!(
                (&body["id"], &body["state"]),
                (&ticket.id.to_string().into(), &"VALID".into())
            );
            let said = public_keys().open(body["payload"].as_str().unwrap()).unwrap();
            assert_eq!((said.ticket_id, said.event_id), (ticket.id, ticket.event_id));

            let stranger = stack::sign_in(&store, Role::User, Time::now()).await;
            for (who, id) in [(&stranger, ticket.id), (&owner, TicketId::generate())] {
                let refused = shown(&store, who, id, "*/*").await.unwrap_err();
                assert_eq!(refused.code(), "TICKET_NOT_FOUND");
            }
        });
    }

    #[test]
    fn a_ticket_says_where_and_when_its_event_takes_place_now_if_that_is_not_as_it_was_bought() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            let (owner, ticket) = ticket_of(&store).await;
            let bought = OnSale {
                id: ticket.event_id,
                place: ticket.place.clone(),
                schedule: ticket.schedule,
                ..(&stack::event(50, Time::now())).into()
            };
            let elsewhere =
                OnSale { place: "연남동 별빛홀".parse().unwrap(), ..bought.clone() };
            let seen = async || -> Value {
                let answer = shown(&store, &owner, ticket.id, "*/*").await.unwrap();
                serde_json::from_slice(answer.body()).unwrap()
            };
            assert!(seen().await["moved"].is_null(), "it is not known");
            store.put(&OnSaleKey(bought.id), &bought).await.unwrap();
            assert!(seen().await["moved"].is_null(), "as it was bought");
            store.put(&OnSaleKey(bought.id), &elsewhere).await.unwrap();
            let seen = seen().await;
            let starts_at = &seen["event"]["startsAt"];
            assert_eq!(seen["event"]["place"], serde_json::json!(ticket.place));
            assert_eq!(seen["moved"]["place"], "연남동 별빛홀");
            assert_eq!(&seen["moved"]["startsAt"], starts_at);
        });
    }

    #[test]
    fn a_ticket_is_shown_as_what_its_owner_asks_for() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            let (owner, ticket) = ticket_of(&store).await;
            for (accept, right) in [
                ("*/*", JSON),
                ("application/json", JSON),
                ("text/html,*/*;q=0.8", JSON),
                ("image/svg+xml", SVG),
                ("image/*", SVG),
                ("application/json;q=0.5, image/svg+xml", SVG),
                ("image/png", PNG),
                ("image/png, */*;q=0.1", PNG),
                // The gateway would hand on base64.
                ("image/avif, image/png, */*", JSON),
            ] {
                let answer = shown(&store, &owner, ticket.id, accept).await.unwrap();
                assert_eq!(
                    (kind(&answer), &answer.headers()[header::VARY]),
                    (right, &"accept".parse::<HeaderValue>().unwrap()),
                    "{accept}"
                );
                let is_bytes = matches!(answer.body(), lambda_http::Body::Binary(_));
                assert_eq!(is_bytes, right == PNG, "{accept}");
            }
        });
    }

    #[test]
    fn a_ticket_that_was_used_still_says_so_and_one_that_went_back_lets_nobody_in() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            for (state, lets_in) in
                [(State::CheckedIn, true), (State::Refunded, false), (State::Unknown, false)]
            {
                let (owner, ticket) = ticket_of(&store).await;
                let change = Write::update(&TicketKey(ticket.id)).set("state", state);
                store.write(change, ()).await.unwrap();
                let answer = shown(&store, &owner, ticket.id, "*/*").await.unwrap();
                let body: Value = serde_json::from_slice(answer.body()).unwrap();
                assert_eq!(body["state"], state.as_str());
                assert_eq!(body.get("payload").is_some(), lets_in);
                for picture in [SVG, PNG] {
                    let answer = shown(&store, &owner, ticket.id, picture).await;
                    match answer {
                        Ok(answer) => assert!(lets_in && kind(&answer) == picture),
                        Err(refused) => {
                            assert!(!lets_in && refused.code() == "TICKET_WITHOUT_CODE")
                        }
                    }
                }
            }
        });
    }
}
