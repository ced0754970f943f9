//! `GET /v1/events/{eventId}/sales`: what one's own event was sold for, and what went back, as JSON page by page or as one table.

use api::{Answer, Call, Cursors, Paging, Path, Problem, Query, Response, Table};
use domain::{
    id::{EventId, PaymentId},
    payment::Step,
    time::Time,
    won::{Percent, Won},
};
use gateways::Files;
use http::header;
use serde::Serialize;
use store::{
    Start, Store, StoreFault,
    catalog::on_sale::OnSaleKey,
    identity::session::Artist,
    sales::payment::{Payment, Refund},
};
use utoipa::ToSchema;

use crate::{
    door::own,
    of_event::{self, Named, OfEvent},
    path::EventPath,
};

const JSON: &str = "application/json";
const CSV: &str = "text/csv";

/// One page of an event's sales.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sales {
    /// What was paid, each member's together.
    items: Vec<SaleView>,
    /// Where the next page starts; absent after the last.
    #[schema(example = "AQc0w9rT8Lk2n5Pz")]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// The sums of all sales; on the first page only.
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<SalesTotals>,
}

/// The sums of an event's sales.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct SalesTotals {
    /// All that was paid.
    sold: SaleSums,
    /// What of it went back.
    refunded: SaleSums,
}

/// Tickets, and what was paid for them or went back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SaleSums {
    /// How many tickets.
    tickets: u64,
    /// Their list price, in won.
    list_price: Won,
    /// By coupons, in won.
    coupon: Won,
    /// By points, in won.
    points: Won,
    /// Through KakaoPay, in won.
    cash: Won,
}

/// A payment that was approved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SaleView {
    /// The payment.
    payment_id: PaymentId,
    /// When it was paid.
    at: Time,
    /// What was paid.
    sold: SaleSums,
    /// What went back of it, in its order.
    refunds: Vec<SaleRefundView>,
}

/// Tickets of a payment that went back together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SaleRefundView {
    /// When it began.
    at: Time,
    /// Of what was paid for them, this part went back.
    percent: Percent,
    /// What went back: the list price is that of the tickets.
    refunded: SaleSums,
}

impl SaleSums {
    fn plus(self, other: Self) -> Self {
        let sum = |one: Won, other: Won| Won::new(one.get().saturating_add(other.get()));
        Self {
            tickets: self.tickets + other.tickets,
            list_price: sum(self.list_price, other.list_price),
            coupon: sum(self.coupon, other.coupon),
            points: sum(self.points, other.points),
            cash: sum(self.cash, other.cash),
        }
    }
}

impl SaleView {
    /// What is shown of a payment; nothing of one that was never approved.
    fn of(payment: &Payment) -> Option<Self> {
        let approved = |step| matches!(step, Step::Approve | Step::ApproveFree);
        let at = payment.history.iter().find(|entry| approved(entry.step))?.at;
        let amounts = &payment.amounts;
        let sold = SaleSums {
            tickets: payment.quantity().into(),
            list_price: amounts.list_price,
            coupon: amounts.coupon,
            points: amounts.points,
            cash: amounts.cash,
        };
        let refunds = payment.refunds.iter().map(|refund| SaleRefundView::of(payment, refund));
        Some(Self { payment_id: payment.id, at, sold, refunds: refunds.collect() })
    }
}

impl SaleRefundView {
    fn of(payment: &Payment, refund: &Refund) -> Self {
        let tickets = refund.ticket_ids.len() as u64;
        let price = payment.booking().map_or(0, |booking| booking.price.get());
        let refunded = SaleSums {
            tickets,
            list_price: Won::new(price * tickets),
            coupon: if refund.coupon { payment.amounts.coupon } else { Won::ZERO },
            points: refund.points,
            cash: refund.cash,
        };
        Self { at: refund.at, percent: refund.percent, refunded }
    }
}

impl SalesTotals {
    fn of(sales: &[SaleView]) -> Self {
        let mut totals = Self::default();
        for sale in sales {
            totals.sold = totals.sold.plus(sale.sold);
            for refund in &sale.refunds {
                totals.refunded = totals.refunded.plus(refund.refunded);
            }
        }
        totals
    }
}

/// The database, the keys of cursors, the files.
pub type Clients = (Store, Cursors, Files);

/// Lists the sales of one's own event
///
/// Every payment that was approved, with what went back of it. By `Accept: text/csv` they are one table, a line for each payment
/// and each refund, and the sums at its end (UTF-8 with its mark); one that is larger than an answer is 303: a link to it, which
/// needs no token and is good for 15 minutes.
#[utoipa::path(get, path = "/v1/events/{eventId}/sales", params(EventPath, Paging),
    responses(
        (status = 200, description = "A page of sales, or all as a table", content(
            (Sales = "application/json"), (String = "text/csv"),
        ), headers(("Vary" = String))),
        (status = 303, description = "The table is there", headers(("Location" = String))),
    ),
    security(("bearer" = ["ARTIST"])),
)]
pub async fn handle(
    (store, cursors, files): Clients,
    call: Call<Artist, (Path<EventPath>, Query<Paging>)>,
) -> Result<Response, Problem> {
    let Call { who, input: (Path(EventPath { event_id }), Query(paging)), context } = call;
    let (session, event) = store.read_for(&who, OnSaleKey(event_id), context.now).await?;
    own(event, &session)?;
    let sold = Sold { store: &store, event_id };
    if context.prefers(&[JSON, CSV]) == Some(CSV) {
        let table = table(sold.all().await?)?;
        let file = format!("sales-{event_id}.csv");
        let disposition = "attachment; filename=\"sales.csv\"";
        return of_event::answer(&files, &session, Named { file, disposition }, table).await;
    }
    let scope = format!("list_sales {event_id}");
    let start = cursors.open(&scope, paging.cursor.as_deref()).await?;
    let totals = match start {
        None => Some(SalesTotals::of(&sold.all().await?)),
        Some(_) => None,
    };
    let (items, next) = sold.page(start.unwrap_or_default(), paging.limit().get()).await?;
    let next_cursor = cursors.seal(&scope, next).await?;
    let page = Sales { items, next_cursor, totals };
    Ok(Answer::ok(page).with(header::VARY, "accept").into())
}

/// What was sold of an event.
struct Sold<'a> {
    store: &'a Store,
    event_id: EventId,
}

impl OfEvent for Sold<'_> {
    type View = SaleView;

    async fn some(
        &self,
        shard: u8,
        limit: u32,
        start: Option<Start>,
    ) -> Result<(Vec<SaleView>, Option<Start>), StoreFault> {
        let page = self.store.payments_of_event(self.event_id, shard, limit, start).await?;
        Ok((page.items.iter().filter_map(SaleView::of).collect(), page.next))
    }
}

/// A line for each payment and each refund, in the order in which they were made, and the sums.
fn table(sales: Vec<SaleView>) -> Result<String, Problem> {
    let columns =
        ["kind", "paymentId", "at", "tickets", "percent", "listPrice", "coupon", "points", "cash"];
    let mut table = Table::new(&columns)?;
    let totals = SalesTotals::of(&sales);
    let mut lines = Vec::new();
    for SaleView { payment_id, at, sold, refunds } in sales {
        lines.push((at, "SALE", payment_id, String::new(), sold));
        for SaleRefundView { at, percent, refunded } in refunds {
            lines.push((at, "REFUND", payment_id, percent.get().to_string(), refunded));
        }
    }
    lines.sort_by_key(|(at, _, payment_id, ..)| (*at, *payment_id));
    let line = |kind: &str, [id, at, percent]: [String; 3], sums: SaleSums| {
        let SaleSums { tickets, list_price, coupon, points, cash } = sums;
        let won = [list_price, coupon, points, cash].map(|won| won.get().to_string());
        [vec![kind.to_owned(), id, at, tickets.to_string(), percent], won.to_vec()].concat()
    };
    for (at, kind, payment_id, percent, sums) in lines {
        table.add(line(kind, [payment_id.to_string(), at.to_string(), percent], sums))?;
    }
    for (kind, sums) in [("ALL_SALES", totals.sold), ("ALL_REFUNDS", totals.refunded)] {
        table.add(line(kind, Default::default(), sums))?;
    }
    Ok(table.text()?)
}

#[cfg(test)]
mod tests {
    use api::Context;
    use domain::{
        id::TicketId,
        member::Role,
        payment::{Amounts, HistoryEntry},
        refund::{Cause, Rule},
        who::Claims,
    };
    use http::{HeaderMap, HeaderValue};
    use serde_json::{Value, json};
    use store::{Transaction, catalog::event::Event};

    use store::sales::payment::Subject;

    use super::*;
    use crate::testing::{artist_of, cursors, held, no_files, paging};

    async fn asked(
        store: &Store,
        who: &Claims,
        event: &Event,
        accept: &'static str,
        paging: Paging,
    ) -> Result<Response, Problem> {
        let mut context = Context::at(Time::now());
        context.headers =
            HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
        let input = (Path(EventPath { event_id: event.id }), Query(paging));
        let call = Call { who: stack::caller(who), input, context };
        handle((store.clone(), cursors().await, no_files()), call).await
    }

    async fn page(store: &Store, who: &Claims, event: &Event, asking: Paging) -> Value {
        let answer = asked(store, who, event, JSON, asking).await.unwrap();
        serde_json::from_slice(answer.body()).unwrap()
    }

    /// A payment of a fan of its own for two tickets, 10,000 won of it by points, approved unless it is changed.
    async fn paid(store: &Store, event: &Event, change: impl FnOnce(&mut Payment)) -> Payment {
        let fan = stack::sign_in(store, Role::User, Time::now()).await;
        let mut payment = held(event, &fan, 2);
        let won = Won::new;
        payment.amounts = Amounts {
            list_price: won(60_000),
            coupon: won(5_000),
            points: won(10_000),
            cash: won(45_000),
        };
        let Subject::Tickets(booking) = &mut payment.subject else { panic!("tickets") };
        booking.ticket_ids = vec![TicketId::generate(), TicketId::generate()];
        payment.history.push(HistoryEntry { step: Step::Approve, at: Time::now() });
        change(&mut payment);
        store.transact(Transaction::<()>::new().also(payment.create())).await.unwrap();
        payment
    }

    fn half_back(payment: &mut Payment) {
        payment.refunds.push(Refund {
            ticket_ids: payment.ticket_ids()[..1].to_vec(),
            cause: Cause::BuyerAsked,
            percent: Percent::ALL,
            rule: Rule::TenDays,
            cash: Won::new(22_500),
            points: Won::new(5_000),
            coupon: false,
            earned_taken_back: Won::ZERO,
            at: Time::now(),
        });
    }

    #[test]
    fn an_artist_sees_what_was_paid_what_went_back_and_the_sums() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            let (artist, event) = artist_of(&store, |event| event).await;
            let whole = paid(&store, &event, |_| ()).await;
            let half = paid(&store, &event, half_back).await;
            paid(&store, &event, |payment| payment.history.truncate(1)).await;
            let seen = page(&store, &artist, &event, paging(10, None)).await;
            let items = seen["items"].as_array().unwrap();
            let item = |id: PaymentId| {
                items.iter().find(|item| item["paymentId"] == id.to_string()).unwrap()
            };
            assert_eq!(items.len(), 2, "who has not paid has bought nothing");
            let sums = |tickets: u64, [list_price, coupon, points, cash]: [u64; 4]| {
                json!({
                    "tickets": tickets, "listPrice": list_price, "coupon": coupon, "points": points, "cash": cash,
                })
            };
            let paid = sums(2, [60_000, 5_000, 10_000, 45_000]);
            assert_eq!((&item(whole.id)["sold"], &item(whole.id)["refunds"]), (&paid, &json!([])));
            let back = &item(half.id)["refunds"][0];
            let returned = sums(1, [30_000, 0, 5_000, 22_500]);
            assert_eq!((&back["refunded"], &back["percent"]), (&returned, &json!(100)));
            let totals = &seen["totals"];
            assert_eq!(totals["sold"], sums(4, [120_000, 10_000, 20_000, 90_000]));
            assert_eq!(totals["refunded"], returned);

            let table = asked(&store, &artist, &event, CSV, paging(1, None)).await.unwrap();
            let text = std::str::from_utf8(table.body()).unwrap();
            let lines: Vec<_> = text.trim_start_matches('\u{FEFF}').lines().collect();
            let columns = "kind,paymentId,at,tickets,percent,listPrice,coupon,points,cash";
            assert_eq!((lines.len(), lines[0]), (6, columns));
            assert!(lines[1].starts_with(&format!("SALE,{},", whole.id)));
            assert!(lines[2].starts_with(&format!("SALE,{},", half.id)));
            assert!(lines[3].starts_with(&format!("REFUND,{},", half.id)));
            assert!(lines[3].ends_with(",1,100,30000,0,5000,22500"), "{}", lines[3]);
            assert_eq!(lines[4], "ALL_SALES,,,4,,120000,10000,20000,90000");
            assert_eq!(lines[5], "ALL_REFUNDS,,,1,,30000,0,5000,22500");
        });
    }

    #[test]
    fn every_sale_is_on_one_page_and_the_sums_are_on_the_first() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            let (artist, event) = artist_of(&store, |event| event).await;
            let mut all = Vec::new();
            for _ in 0..5 {
                all.push(paid(&store, &event, |_| ()).await.id.to_string());
            }
            let (mut seen, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let asking = paging(2, cursor.as_deref());
                let page = page(&store, &artist, &event, asking).await;
                assert_eq!(page.get("totals").is_some(), cursor.is_none());
                let items = page["items"].as_array().unwrap();
                seen.extend(
                    items.iter().map(|item| item["paymentId"].as_str().unwrap().to_owned()),
                );
                match page["nextCursor"].as_str() {
                    Some(next) => cursor = Some(next.to_owned()),
                    None => break,
                }
            }
            seen.sort();
            all.sort();
            assert_eq!(seen, all);
        });
    }

    #[test]
    fn for_everybody_else_nothing_was_sold_and_it_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            let (artist, event) = artist_of(&store, |event| event).await;
            let (stranger, _) = artist_of(&store, |event| event).await;
            for accept in [JSON, CSV] {
                let refused = asked(&store, &stranger, &event, accept, paging(1, None)).await;
                assert_eq!(refused.unwrap_err().code(), "EVENT_NOT_FOUND");
            }
            meter.take();
            page(&store, &artist, &event, paging(1, None)).await;
            stack::assert_operation("list_sales, nothing", &meter.take());
        });
    }
}
