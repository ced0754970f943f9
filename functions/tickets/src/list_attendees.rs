//! `GET /v1/events/{eventId}/attendees`: who comes to one's own event, as JSON page by page or as one table.

use std::borrow::Cow;

use api::{
    Answer, Call, Cursors, FieldFaults, Limit, Param, Path, Problem, Query, Response, Table,
};
use deserr::Deserr;
use domain::{
    id::{EventId, TicketId},
    member::Nickname,
    ticket::{AttendeeWords, State},
    time::Time,
};
use gateways::Files;
use http::header;
use serde::Serialize;
use store::{
    Relaxed, Start, Store, StoreFault,
    catalog::on_sale::{OnSale, OnSaleKey},
    identity::session::Artist,
    sales::{
        stock,
        ticket::{Ticket, TicketKey},
    },
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    door::own,
    of_event::{self, Named, OfEvent},
    path::EventPath,
};

const JSON: &str = "application/json";
const CSV: &str = "text/csv";

/// Who is looked for.
#[derive(Debug, Default, Deserr, IntoParams)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct ListAttendees {
    /// A part of a nickname, or a ticket's id.
    #[deserr(default)]
    #[param(inline)]
    q: Option<AttendeeWords>,
    /// How many tickets at most.
    #[deserr(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<Param<Limit>>,
    /// `nextCursor` of the page before, with the same `q`; none for the first page.
    #[deserr(default)]
    cursor: Option<String>,
}

/// One page of those who come, and how many they are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attendees {
    /// The tickets, each member's together. With `q` a page may be empty though another follows.
    items: Vec<AttendeeView>,
    /// Where the next page starts; absent after the last.
    #[schema(example = "AQc0w9rT8Lk2n5Pz")]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// How many tickets are sold, and not given back.
    sold: u64,
    /// How many of them let somebody in.
    checked_in: u64,
    /// How many did not; `null` until the event is over.
    #[schema(required)]
    no_show: Option<u64>,
}

/// A ticket, and who has it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttendeeView {
    /// The ticket.
    ticket_id: TicketId,
    /// Who has it.
    nickname: Nickname,
    /// Whether it lets somebody in.
    state: State,
    /// When it was bought.
    bought_at: Time,
    /// When it let somebody in; `null` if it did not.
    #[schema(required)]
    checked_in_at: Option<Time>,
}

impl AttendeeView {
    fn of(ticket: Ticket, nickname: Nickname) -> Self {
        Self {
            ticket_id: ticket.id,
            nickname,
            state: ticket.state,
            bought_at: ticket.created_at,
            checked_in_at: ticket.check_in.map(|check_in| check_in.scanned_at),
        }
    }
}

/// The database, the keys of cursors, the files.
pub type Clients = (Store, Cursors, Files);

/// Lists who comes to one's own event
///
/// Every ticket that was not given back, with how many are sold, let somebody in and, when the event is over, did not. By
/// `Accept: text/csv` all of them are one table (UTF-8 with its mark, no cell is a formula); one that is larger than an answer is
/// 303: a link to it, which needs no token and is good for 15 minutes.
#[utoipa::path(get, path = "/v1/events/{eventId}/attendees", params(EventPath, ListAttendees),
    responses(
        (status = 200, description = "A page of tickets, or all as a table", content(
            (Attendees = "application/json"), (String = "text/csv"),
        ), headers(("Vary" = String))),
        (status = 303, description = "The table is there", headers(("Location" = String))),
    ),
    security(("bearer" = ["ARTIST"])),
)]
pub async fn handle(
    (store, cursors, files): Clients,
    call: Call<Artist, (Path<EventPath>, Query<ListAttendees>)>,
) -> Result<Response, Problem> {
    let Call { who, input: (Path(EventPath { event_id }), Query(asked)), context } = call;
    let (session, event) = store.read_for(&who, OnSaleKey(event_id), context.now).await?;
    let event = own(event, &session)?;
    let guests = Guests { store: &store, event_id, words: Words::of(asked.q) };
    if context.prefers(&[JSON, CSV]) == Some(CSV) {
        let table = guests.table().await?;
        let file = format!("attendees-{event_id}.csv");
        let disposition = "attachment; filename=\"attendees.csv\"";
        return of_event::answer(&files, &session, Named { file, disposition }, table).await;
    }
    let scope = format!("list_attendees {event_id} {}", guests.words.text());
    let start = cursors.open(&scope, asked.cursor.as_deref()).await?;
    let limit = asked.limit.map_or_else(Limit::default, |limit| limit.0).get();
    let (items, next) = match guests.words {
        Words::Ticket(id) => (guests.one(id).await?, None),
        Words::All | Words::Named(_) => guests.page(start.unwrap_or_default(), limit).await?,
    };
    let next_cursor = cursors.seal(&scope, next).await?;
    let (sold, checked_in) = (sold(&store, &event).await?, store.checked_in(event_id).await?);
    let is_over = event.schedule.not_over(context.now).is_err();
    let no_show = is_over.then(|| sold.saturating_sub(checked_in));
    let page = Attendees { items, next_cursor, sold, checked_in, no_show };
    Ok(Answer::ok(page).with(header::VARY, "accept").into())
}

/// How many tickets of an event are sold, and not given back.
async fn sold(store: &Store, event: &OnSale) -> Result<u64, StoreFault> {
    let shards: Vec<_> = stock::keys(event.id, event.shards).into_iter().map(Relaxed).collect();
    let stock = store.read_all(&shards).await?;
    Ok(stock.iter().flatten().map(|stock| u64::from(stock.shard.sold)).sum())
}

/// What is looked for.
enum Words {
    /// Everybody.
    All,
    /// One ticket.
    Ticket(TicketId),
    /// Those with this in their nickname, in lower case.
    Named(String),
}

impl Words {
    fn of(asked: Option<AttendeeWords>) -> Self {
        let asked = asked.as_ref().map(AttendeeWords::as_str).unwrap_or_default();
        match asked.parse() {
            Ok(id) => Self::Ticket(id),
            Err(_) if asked.is_empty() => Self::All,
            Err(_) => Self::Named(asked.to_lowercase()),
        }
    }

    /// What tells one search from another.
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::All => "".into(),
            Self::Ticket(id) => id.to_string().into(),
            Self::Named(name) => name.into(),
        }
    }

    fn fit(&self, nickname: &Nickname) -> bool {
        match self {
            Self::All | Self::Ticket(_) => true,
            Self::Named(name) => nickname.as_str().to_lowercase().contains(name),
        }
    }
}

/// Those of an event who are looked for.
struct Guests<'a> {
    store: &'a Store,
    event_id: EventId,
    words: Words,
}

impl OfEvent for Guests<'_> {
    type View = AttendeeView;

    async fn some(
        &self,
        shard: u8,
        limit: u32,
        start: Option<Start>,
    ) -> Result<(Vec<AttendeeView>, Option<Start>), StoreFault> {
        let page = self.store.tickets_of_event(self.event_id, shard, limit, start).await?;
        Ok((self.named(page.items).await?, page.next))
    }
}

impl Guests<'_> {
    async fn one(&self, id: TicketId) -> Result<Vec<AttendeeView>, StoreFault> {
        let ticket = self.store.get(&TicketKey(id)).await?;
        let ticket = ticket.filter(|ticket| ticket.event_id == self.event_id);
        self.named(ticket.into_iter().collect()).await
    }

    /// With the names of those who have them, and without those that were given back or are not looked for.
    async fn named(&self, mut tickets: Vec<Ticket>) -> Result<Vec<AttendeeView>, StoreFault> {
        tickets.retain(|ticket| ticket.state != State::Refunded);
        let names = self.store.nicknames(tickets.iter().map(|ticket| ticket.member_id)).await?;
        let named = tickets.into_iter().filter_map(|ticket| {
            let nickname = names.get(&ticket.member_id)?.clone();
            Some(AttendeeView::of(ticket, nickname))
        });
        Ok(named.filter(|attendee| self.words.fit(&attendee.nickname)).collect())
    }

    /// All of them in the order in which they bought.
    async fn table(&self) -> Result<String, Problem> {
        let mut all = match self.words {
            Words::Ticket(id) => self.one(id).await?,
            Words::All | Words::Named(_) => self.all().await?,
        };
        all.sort_by_key(|attendee| attendee.ticket_id);
        let columns = ["ticketId", "nickname", "state", "boughtAt", "checkedInAt"];
        let mut table = Table::new(&columns)?;
        for attendee in all {
            table.add([
                attendee.ticket_id.to_string(),
                attendee.nickname.as_str().to_owned(),
                attendee.state.to_string(),
                attendee.bought_at.to_string(),
                attendee.checked_in_at.map(|at| at.to_string()).unwrap_or_default(),
            ])?;
        }
        Ok(table.text()?)
    }
}

#[cfg(test)]
mod tests {
    use api::Context;
    use domain::{member::Role, who::Claims};
    use http::{HeaderMap, HeaderValue};
    use serde_json::{Value, json};
    use stack::OwnBucket;
    use store::{
        Transaction, Write, catalog::event::Event, identity::member::MemberKey,
        sales::ticket::CheckIn,
    };

    use super::*;
    use crate::testing::{artist_of, cursors, no_files, ticket_for};

    fn store() -> Store {
        Store::new(stack::dynamo(), stack::prefix())
    }

    async fn asked(
        (store, files): (&Store, Files),
        who: &Claims,
        event_id: EventId,
        accept: &'static str,
        asked: Value,
        now: Time,
    ) -> Result<Response, Problem> {
        let mut context = Context::at(now);
        context.headers =
            HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        let asked = deserr::deserialize::<ListAttendees, _, FieldFaults>(asked).unwrap();
        let input = (Path(EventPath { event_id }), Query(asked));
        let call = Call { who: stack::caller(who), input, context };
        handle((store.clone(), cursors().await, files), call).await
    }

    async fn page(store: &Store, who: &Claims, event: &Event, query: Value) -> Value {
        let now = Time::now();
        let answer = asked((store, no_files()), who, event.id, JSON, query, now).await.unwrap();
        serde_json::from_slice(answer.body()).unwrap()
    }

    /// A member who is called so, with tickets.
    async fn guest(store: &Store, event: &Event, nickname: &str, tickets: u32) -> Vec<Ticket> {
        let fan = stack::sign_in(store, Role::User, Time::now()).await;
        let named = Write::update(&MemberKey(fan.member_id)).set("nickname", nickname);
        store.write(named, ()).await.unwrap();
        let mut all = Vec::new();
        for _ in 0..tickets {
            all.push(ticket_for(store, event, &fan).await);
        }
        all
    }

    async fn sell(store: &Store, event: &Event, sold: u32) {
        let stock = stock::create(event.id, event.capacity, event.sale());
        let seats = stock::Seats { number: 0, count: sold };
        let made = stock.into_iter().fold(Transaction::<()>::new(), Transaction::also);
        store.transact(made).await.unwrap();
        let now = Time::now();
        let held = stock::hold(event.id, seats, &event.sale(), now);
        for write in [held, stock::sell(event.id, seats, event.price)] {
            store.write(write, ()).await.unwrap();
        }
    }

    fn nicknames(page: &Value) -> Vec<&str> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["nickname"].as_str().unwrap()).collect()
    }

    async fn let_in(store: &Store, ticket: &Ticket) {
        let (now, device) = (Time::now(), "정문".parse().unwrap());
        let check_in = CheckIn { scanned_at: now, device, recorded_at: now };
        store.check_in(ticket.event_id, ticket.id, &check_in).await.unwrap();
    }

    #[test]
    fn an_artist_sees_who_comes_who_came_and_in_the_end_who_did_not() {
        stack::run(async {
            let store = store();
            let (artist, event) = artist_of(&store, |event| event).await;
            let mina = guest(&store, &event, "미나", 2).await;
            let back = guest(&store, &event, "돌려준 사람", 1).await;
            let back = Write::update(&TicketKey(back[0].id)).set("state", State::Refunded);
            store.write(back, ()).await.unwrap();
            sell(&store, &event, 2).await;
            let_in(&store, &mina[0]).await;
            let seen = page(&store, &artist, &event, json!({})).await;
            assert_eq!(nicknames(&seen), ["미나", "미나"]);
            assert_eq!(seen["sold"], 2);
            assert_eq!((&seen["checkedIn"], &seen["noShow"]), (&1.into(), &Value::Null));
            let item = |id: TicketId| {
                let items = seen["items"].as_array().unwrap();
                items.iter().find(|item| item["ticketId"] == id.to_string()).unwrap()
            };
            let (came, other) = (item(mina[0].id), item(mina[1].id));
            assert!(came["state"] == "CHECKED_IN" && came["checkedInAt"].is_string());
            assert!(other["state"] == "VALID" && other["checkedInAt"].is_null());
            // Nothing of them that an artist does not need.
            let mut told: Vec<_> = other.as_object().unwrap().keys().collect();
            told.sort();
            assert_eq!(told, ["boughtAt", "checkedInAt", "nickname", "state", "ticketId"]);

            let over = event.schedule.ends_at();
            let answer = asked((&store, no_files()), &artist, event.id, JSON, json!({}), over);
            let seen: Value = serde_json::from_slice(answer.await.unwrap().body()).unwrap();
            assert_eq!((&seen["checkedIn"], &seen["noShow"]), (&1.into(), &1.into()));
        });
    }

    #[test]
    fn every_ticket_is_on_one_page_however_many_there_are() {
        stack::run(async {
            let store = store();
            let (artist, event) = artist_of(&store, |event| event).await;
            let mut all = Vec::new();
            for number in 0..7 {
                let tickets = guest(&store, &event, &format!("{number}번 관객"), 3).await;
                all.extend(tickets.iter().map(|ticket| ticket.id.to_string()));
            }
            let mut seen = Vec::new();
            let mut query = json!({ "limit": "4" });
            loop {
                let page = page(&store, &artist, &event, query.clone()).await;
                let items = page["items"].as_array().unwrap();
                assert!(items.len() <= 4);
                seen.extend(items.iter().map(|item| item["ticketId"].as_str().unwrap().to_owned()));
                match page.get("nextCursor") {
                    Some(cursor) => query["cursor"] = cursor.clone(),
                    None => break,
                }
            }
            seen.sort();
            all.sort();
            assert_eq!(seen, all);
        });
    }

    #[test]
    fn somebody_is_found_by_a_part_of_their_name_or_by_their_ticket() {
        stack::run(async {
            let store = store();
            let (artist, event) = artist_of(&store, |event| event).await;
            let (_, other) = artist_of(&store, |event| event).await;
            let found = guest(&store, &event, "Moonlight 미나", 1).await;
            guest(&store, &event, "새벽의 기타", 1).await;
            let elsewhere = guest(&store, &other, "미나", 1).await;
            let find = async |q: &str| {
                let page = page(&store, &artist, &event, json!({ "q": q })).await;
                nicknames(&page).into_iter().map(str::to_owned).collect::<Vec<_>>()
            };
            for q in ["미나", "moonLIGHT", "t 미", &found[0].id.to_string()] {
                assert_eq!(find(q).await, ["Moonlight 미나"], "{q}");
            }
            for q in ["없는 사람", &elsewhere[0].id.to_string()] {
                assert!(find(q).await.is_empty(), "{q}");
            }
            assert_eq!(find("").await.len(), 2);
        });
    }

    #[test]
    fn a_cursor_belongs_to_what_was_looked_for() {
        stack::run(async {
            let store = store();
            let (artist, event) = artist_of(&store, |event| event).await;
            guest(&store, &event, "미나", 2).await;
            let first = page(&store, &artist, &event, json!({ "limit": "1", "q": "미" })).await;
            for q in [json!({ "q": "나" }), json!({})] {
                let mut query = q;
                query["cursor"] = first["nextCursor"].clone();
                let now = Time::now();
                let other = asked((&store, no_files()), &artist, event.id, JSON, query, now).await;
                assert_eq!(other.unwrap_err().code(), "CURSOR_INVALID");
            }
        });
    }

    #[test]
    fn for_everybody_else_there_is_no_list() {
        stack::run(async {
            let store = store();
            let (_, event) = artist_of(&store, |event| event).await;
            let (stranger, _) = artist_of(&store, |event| event).await;
            for accept in [JSON, CSV] {
                let now = Time::now();
                let refused =
                    asked((&store, no_files()), &stranger, event.id, accept, json!({}), now);
                assert_eq!(refused.await.unwrap_err().code(), "EVENT_NOT_FOUND");
            }
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            let (artist, event) = artist_of(&store, |event| event).await;
            sell(&store, &event, 1).await;
            meter.take();
            page(&store, &artist, &event, json!({})).await;
            stack::assert_operation("list_attendees, nobody", &meter.take());
        });
    }

    #[test]
    fn a_table_of_all_is_an_answer_or_a_file_that_a_link_opens() {
        stack::run(async {
            let store = store();
            let own = OwnBucket::new().await;
            let address = std::env::var("AWS_ENDPOINT_URL").unwrap();
            let files = || Files::new(&stack::aws(&address), own.name.clone());
            let (artist, event) = artist_of(&store, |event| event).await;
            let evil = guest(&store, &event, "=HYPERLINK(1)", 1).await;
            let now = Time::now();
            let small =
                asked((&store, files()), &artist, event.id, CSV, json!({}), now).await.unwrap();
            assert_eq!(small.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8");
            assert!(
                small.headers()[header::CONTENT_DISPOSITION]
                    .to_str()
                    .unwrap()
                    .starts_with("attachment")
            );
            let text = std::str::from_utf8(small.body()).unwrap().to_owned();
            let row = format!("{},'=HYPERLINK(1),VALID,{},", evil[0].id, evil[0].created_at);
            let head = "\u{FEFF}ticketId,nickname,state,boughtAt,checkedInAt";
            assert_eq!(text, format!("{head}\r\n{row}\r\n"));

            // One member has more tickets than anybody can buy.
            let fan = stack::sign_in(&store, Role::User, now).await;
            let ticket = ticket_for(&store, &event, &fan).await;
            let mut all = Vec::new();
            for _ in 0..800 {
                let mut other = ticket.clone();
                other.id = TicketId::generate();
                all.push(other);
            }
            for some in all.chunks(100) {
                let made = some.iter().map(Ticket::create);
                let made = made.fold(Transaction::<()>::new(), Transaction::also);
                store.transact(made).await.unwrap();
            }
            let large =
                asked((&store, files()), &artist, event.id, CSV, json!({}), now).await.unwrap();
            assert_eq!((large.status().as_u16(), large.body().len()), (303, 0));
            let link = large.headers()[header::LOCATION].to_str().unwrap();
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let file = client.get(link).send().await.unwrap();
            assert_eq!(file.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8");
            let file = file.text().await.unwrap();
            assert_eq!(file.matches("tkt_").count(), 802);
        });
    }
}
