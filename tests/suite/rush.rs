//! The waiting room of a rush: however many come, no more than the pace are let in, in the order of coming.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use api::{Call, Context, Path, Problem};
use domain::{queue::Pace, time::Time};
use payments::{EventPath, create_payment::CreatePayment, create_queue_ticket, get_queue_ticket};
use serde_json::{Value, json};

use crate::shop::{Fan, Refusal, Shop, at_once, books};

/// `make storm` asks for more.
fn contenders() -> usize {
    std::env::var("RUSH_CONTENDERS").map_or(300, |number| number.parse().unwrap())
}

/// All of them come within so long.
const COMING: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_secs(60);

/// Who came, and the number that they were given.
#[derive(Clone)]
struct Came {
    fan: Fan,
    at: Time,
    /// Between which moments of the machine's clock they were served.
    served: (Instant, Instant),
    ticket: String,
    admitted_at: Time,
}

impl Shop {
    /// `POST /v1/events/{eventId}/queue-tickets`.
    async fn takes_a_number(&self, fan: Fan) -> Came {
        let (who, context) = (stack::caller(&fan.claims()), Context::at(self.now));
        let path = Path(EventPath { event_id: self.event.id });
        let clients = (self.served.clone(), self.cursors.clone());
        let began = Instant::now();
        let answer = create_queue_ticket::handle(clients, Call { who, input: path, context }).await;
        let served = (began, Instant::now());
        let ticket = json!(answer.unwrap().value);
        let admitted_at = serde_json::from_value(ticket["admittedAt"].clone()).unwrap();
        let ticket = ticket["id"].as_str().unwrap().to_owned();
        Came { fan, at: self.now, served, ticket, admitted_at }
    }

    /// Buys one ticket with a number.
    async fn buys_with(&self, came: &Came) -> Result<(), Refusal> {
        let queue_ticket = Some(came.ticket.clone());
        let order = CreatePayment { queue_ticket, ..self.tickets(came.fan, 1) };
        self.order_patiently(came.fan, order, &self.now.millis().to_string()).await.map(drop)
    }
}

/// Whether nobody has a later number than somebody who came when they were served already.
fn is_in_order(came: &[Came]) -> bool {
    let mut ends: Vec<_> = came.iter().map(|it| (it.served.1, it.admitted_at)).collect();
    let mut begins: Vec<_> = came.iter().map(|it| (it.served.0, it.admitted_at)).collect();
    ends.sort_unstable();
    begins.sort_unstable();
    let (mut ends, mut last) = (ends.into_iter().peekable(), None);
    begins.into_iter().all(|(began, number)| {
        while let Some((_, earlier)) = ends.next_if(|(ended, _)| *ended < began) {
            last = last.max(Some(earlier));
        }
        last.is_none_or(|last| last < number)
    })
}

/// The most that are let in within any minute.
fn most_in_a_minute(came: &[Came]) -> usize {
    let mut moments: Vec<_> = came.iter().map(|it| it.admitted_at).collect();
    moments.sort_unstable();
    let from = |first: usize| {
        let within = |it: &&Time| **it < moments[first].plus(MINUTE);
        moments[first..].iter().take_while(within).count()
    };
    (0..moments.len()).map(from).max().unwrap_or_default()
}

#[test]
fn however_many_come_no_more_than_the_pace_are_let_in_in_the_order_of_coming() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let contenders = contenders();
        // So that it takes five minutes to let all of them in.
        let pace = contenders / 5;
        let until = shop.event.sale().window.sale_ends_at;
        let each = Pace::try_from(i64::try_from(pace).unwrap()).unwrap();
        shop.store.open_queue(shop.event.id, each, until).await.unwrap();
        let fans = shop.crowd(contenders).await;
        let come = |shop: Shop, fan: Fan| async move {
            let came = shop.takes_a_number(fan).await;
            if came.admitted_at > shop.now {
                assert_eq!(shop.buys_with(&came).await, Err((429, "NOT_YOUR_TURN")));
            }
            came
        };
        let come = (0..).zip(fans).map(|(number, fan)| {
            come(shop.after(COMING * number / u32::try_from(contenders).unwrap()), fan)
        });
        let mut came = at_once(come).await;
        let most = most_in_a_minute(&came);
        assert!(most * 10 <= pace * 11, "{most} are let in within a minute, at a pace of {pace}");
        assert!(most * 10 >= pace * 9, "{most} are let in within a minute, at a pace of {pace}");
        assert!(is_in_order(&came), "somebody was let in before who came earlier");
        assert!(came.iter().all(|it| it.admitted_at >= it.at), "somebody need not have come");

        came.sort_unstable_by_key(|it| it.admitted_at);
        let wait = came.iter().map(|it| it.at.until(it.admitted_at)).max().unwrap();
        let buys = |shop: Shop, came: Came| async move {
            Shop { now: came.admitted_at, ..shop }.buys_with(&came).await
        };
        let mut outcomes = BTreeMap::<_, usize>::new();
        for outcome in at_once(came.into_iter().map(|came| buys(shop.clone(), came))).await {
            *outcomes.entry(outcome).or_default() += 1;
        }
        println!("{contenders} came, {most} a minute were let in at {pace}, the last waited {wait:?}");
        println!("{outcomes:?}");
        let late = contenders - 50;
        assert_eq!(outcomes, BTreeMap::from([(Ok(()), 50), (Err((400, "SOLD_OUT")), late)]));
        assert_eq!(books::check(&shop).await.seats(), [0, 50, 0]);
    });
}

#[test]
fn a_ticket_is_good_for_its_event_alone_and_as_it_was_signed() {
    stack::run(async {
        let [shop, other] = [Shop::open(50).await, Shop::open(50).await];
        let pace = Pace::try_from(60).unwrap();
        shop.store.open_queue(shop.event.id, pace, shop.now.plus(MINUTE)).await.unwrap();
        let came = shop.takes_a_number(shop.fan().await).await;
        let told = async |shop: &Shop, ticket: String| -> Result<Value, Problem> {
            let path = Path(get_queue_ticket::TicketPath { event_id: shop.event.id, ticket });
            let call = Call { who: api::Anyone, input: path, context: Context::at(shop.now) };
            get_queue_ticket::handle((shop.served.clone(), shop.cursors.clone()), call).await.map(|it| json!(it.value))
        };
        let ticket = came.ticket.clone();
        assert_eq!(told(&shop, ticket.clone()).await.unwrap()["state"], "ADMITTED");
        let refused = async |shop: &Shop, ticket| told(shop, ticket).await.unwrap_err().code();
        assert_eq!(refused(&other, ticket.clone()).await, "QUEUE_TICKET_INVALID");
        let changed = format!("A{}", &ticket[1..]);
        let changed = if changed == ticket { format!("B{}", &ticket[1..]) } else { changed };
        assert_eq!(refused(&shop, changed.clone()).await, "QUEUE_TICKET_INVALID");
        for (shop, ticket) in [(&shop, changed), (&other, ticket)] {
            let refusal = shop.buys_with(&Came { ticket, ..came.clone() }).await;
            assert_eq!(refusal, Err((400, "QUEUE_TICKET_INVALID")));
        }
        assert_eq!(shop.buys_with(&came).await, Ok(()));
    });
}
