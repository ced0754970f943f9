//! `GET /v1/events/{eventId}/refunds`: how far the buyers of a cancelled event have their money back, for its artist.

use api::{Answer, Call, Path, Problem};
use domain::{codes::EVENT_NOT_FOUND, event::Progress, time::Time};
use serde::Serialize;
use store::{
    Relaxed, Store, catalog::on_sale::OnSaleKey, identity::session::SignedIn,
    sales::event_refunds::EventRefundsKey,
};
use utoipa::ToSchema;

use crate::path::EventPath;

/// How far the buyers of an event have their money back. Purchases are counted, not tickets.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventRefundsView {
    /// How far it is; null as long as nothing goes back, since the event is not cancelled, or was a moment ago.
    #[schema(required)]
    state: Option<Progress>,
    /// Of how many purchases money is to go back, or went. It rises until all were counted once.
    total: u32,
    /// Of how many all of it is back.
    done: u32,
    /// How many our people have to look at.
    failed: u32,
    /// When it was counted last.
    #[schema(required)]
    updated_at: Option<Time>,
}

/// Tells how far the refunds of a cancelled event are
///
/// Its artist only; for everybody else the event does not exist. All of what was paid goes back to its buyers, at the pace at which
/// KakaoPay takes it.
#[utoipa::path(get, path = "/v1/events/{eventId}/refunds", params(EventPath),
    responses((status = 200, description = "How far they are", body = EventRefundsView)),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<EventPath>>,
) -> Result<Answer<EventRefundsView>, Problem> {
    let Call { who, input: Path(EventPath { event_id }), context } = call;
    let keys = (Relaxed(OnSaleKey(event_id)), EventRefundsKey(event_id));
    let (session, (event, refunds)) = store.read_for(&who, keys, context.now).await?;
    let own = event.is_some_and(|event| event.artist_id == session.member.id);
    if !own {
        return Err(Problem::new(EVENT_NOT_FOUND));
    }
    let told = refunds.as_ref().map(|refunds| refunds.told()).unwrap_or_default();
    Ok(Answer::ok(EventRefundsView {
        state: refunds.as_ref().map(|refunds| refunds.state),
        total: told.total,
        done: told.done,
        failed: told.failed,
        updated_at: refunds.map(|refunds| refunds.updated_at),
    }))
}

#[cfg(test)]
mod tests {
    use api::{Context, Response};
    use domain::{id::EventId, member::Role, who::Claims};
    use serde_json::{Value, json};
    use store::{
        Write,
        catalog::{event::Event, on_sale::OnSaleKey},
        sales::event_refunds::{EventRefunds, Tally},
    };

    use super::*;

    async fn read(store: Store, who: &Claims, event_id: EventId) -> Result<Value, &'static str> {
        let (who, context) = (stack::caller(who), Context::at(Time::now()));
        let call = Call { who, input: Path(EventPath { event_id }), context };
        let answer = Response::from(handle(store, call).await.map_err(|problem| problem.code())?);
        Ok(serde_json::from_slice(answer.body()).unwrap())
    }

    #[test]
    fn an_artist_is_told_how_far_their_own_cancelled_event_is_and_nobody_else() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let (store, now) = (Store::new(client, stack::prefix()), Time::now());
            let artist = stack::sign_in(&store, Role::Artist, now).await;
            let other = stack::sign_in(&store, Role::Artist, now).await;
            let event = Event { artist_id: artist.member_id, ..stack::event(50, now) };
            let on_sale = Write::create(&OnSaleKey(event.id), &(&event).into());
            store.write(on_sale, ()).await.unwrap();
            let nothing =
                json!({ "state": null, "total": 0, "done": 0, "failed": 0, "updatedAt": null });
            assert_eq!(read(store.clone(), &artist, event.id).await, Ok(nothing));

            let mut refunds = EventRefunds::new(event.id, artist.member_id, now);
            store.refunds_go_on(None, &mut refunds, now).await.unwrap();
            let mut next = refunds.next_round();
            (next.last, next.found) =
                (Tally { total: 9, done: 1, failed: 0 }, Tally { total: 4, done: 3, failed: 1 });
            store.refunds_go_on(Some(&refunds), &mut next, now).await.unwrap();
            meter.take();
            let told =
                json!({ "state": "RUNNING", "total": 9, "done": 3, "failed": 1, "updatedAt": now });
            assert_eq!(read(store.clone(), &artist, event.id).await, Ok(told));
            stack::assert_operation("get_event_refunds", &meter.take());
            for (who, event) in [(&other, event.id), (&artist, EventId::generate())] {
                assert_eq!(read(store.clone(), who, event).await, Err("EVENT_NOT_FOUND"));
            }
        });
    }
}
