//! The waiting room of a rush: however many come, no more than the pace are let in, in the order of coming.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use api::{Call, Context, Path, Problem};
use domain::{queue::Line, time::Time};
use payments::{EventPath, create_queue_ticket, get_queue_ticket};
use reqwest::Method;
use serde_json::{Value, json};
use store::{Store, sales::queue::Queue};

use crate::{
    shop::{Fan, Refusal, Shop, at_once, books},
    world::{Member, World, eventually},
};

/// `make storm` asks for more.
fn contenders() -> usize {
    // 50 to 30,000: the pace goes by them.
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
        let who = stack::caller(&fan.claims());
        let context = Context { address: fan.member_id.to_string(), ..Context::at(self.now) };
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
        let mut shop = self.clone();
        shop.ticket = Some(came.ticket.clone());
        shop.buy_patiently(came.fan, 1, "key").await.map(drop)
    }

    /// Has a queue from now on.
    async fn lets_in(&self, pace: i64) {
        let line = Line::new(pace.try_into().unwrap(), self.now, self.now);
        let queue = Queue { line, open_until: self.now.plus(MINUTE) };
        assert!(self.store.open_queue(self.event.id, None, &queue).await.unwrap());
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

/// All of a crowd take their numbers within half a minute, and try to buy at once if they are not let in yet.
async fn crowd(shop: &Shop, contenders: usize) -> Vec<Came> {
    let come = |shop: Shop, fan: Fan| async move {
        let came = shop.takes_a_number(fan).await;
        if came.admitted_at > shop.now {
            assert_eq!(shop.buys_with(&came).await, Err((429, "NOT_YOUR_TURN")));
        }
        came
    };
    let fans = shop.crowd(contenders).await;
    let all = u32::try_from(contenders).unwrap();
    let come = (0..).zip(fans).map(|(nth, fan)| come(shop.after(COMING * nth / all), fan));
    at_once(come).await
}

#[test]
fn however_many_come_no_more_than_the_pace_are_let_in_in_the_order_of_coming() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let contenders = contenders();
        // So that it takes five minutes to let all of them in.
        let pace = contenders / 5;
        shop.lets_in(pace.try_into().unwrap()).await;
        let mut came = crowd(&shop, contenders).await;
        let most = most_in_a_minute(&came);
        // A number whose answer is lost is nobody's.
        assert!((pace * 9 / 10..=pace).contains(&most), "{most} a minute, at a pace of {pace}");
        assert!(is_in_order(&came), "somebody was let in before who came earlier");
        assert!(came.iter().all(|it| it.admitted_at >= it.at), "somebody need not have come");
        let mut wrong = came.clone();
        let last = wrong.iter().map(|it| it.admitted_at).max().unwrap();
        wrong.iter_mut().min_by_key(|it| it.served.0).unwrap().admitted_at = last.plus(MINUTE);
        assert!(!is_in_order(&wrong), "the first is let in last, and nobody notices");

        came.sort_unstable_by_key(|it| it.admitted_at);
        let wait = came.iter().map(|it| it.at.until(it.admitted_at)).max().unwrap();
        let buys = |shop: Shop, came: Came| async move {
            let at = |now: Time| {
                let mut shop = shop.clone();
                shop.now = now;
                shop
            };
            if came.admitted_at > came.at {
                let early = at(came.admitted_at.minus(Duration::from_millis(1)));
                let early = early.buys_with(&came).await.unwrap_err();
                assert!(matches!(early.1, "NOT_YOUR_TURN" | "SOLD_OUT"), "{early:?}");
            }
            at(came.admitted_at).buys_with(&came).await
        };
        let mut outcomes = BTreeMap::<_, usize>::new();
        for outcome in at_once(came.into_iter().map(|came| buys(shop.clone(), came))).await {
            *outcomes.entry(outcome).or_default() += 1;
        }
        println!(
            "{contenders} came within {COMING:?}; at a pace of {pace}, {most} were let in in the fullest minute"
        );
        println!("the last waited {wait:?}; {outcomes:?}");
        let late = contenders - 50;
        assert_eq!(outcomes, BTreeMap::from([(Ok(()), 50), (Err((400, "SOLD_OUT")), late)]));
        assert_eq!(books::check(&shop).await.seats(), [0, 50, 0]);
    });
}

#[test]
fn without_the_condition_on_how_many_were_given_more_than_the_pace_are_let_in() {
    stack::run(async {
        let broken = stack::happens(async || {
            let calm = Shop::open(50).await;
            calm.lets_in(60).await;
            let client = stack::without_all(&["given", "base", "since"]);
            let mut shop = calm;
            shop.served = Store::new(client, stack::prefix());
            // Nobody has come for a while, so each is the first as far as they see.
            let later = shop.after(MINUTE / 2);
            let fans = later.crowd(100).await;
            let come = |shop: Shop, fan: Fan| async move { shop.takes_a_number(fan).await };
            let came = at_once(fans.into_iter().map(|fan| come(later.clone(), fan))).await;
            most_in_a_minute(&came) > 60
        });
        assert!(broken.await, "the condition makes no difference");
    });
}

#[test]
fn a_ticket_is_good_for_its_event_and_its_member_alone_and_as_it_was_signed() {
    stack::run(async {
        let [shop, other] = [Shop::open(50).await, Shop::open(50).await];
        for shop in [&shop, &other] {
            shop.lets_in(60).await;
        }
        let came = shop.takes_a_number(shop.fan().await).await;
        let told = async |shop: &Shop, ticket: String| -> Result<Value, Problem> {
            let path = Path(get_queue_ticket::TicketPath { event_id: shop.event.id, ticket });
            let call = Call { who: api::Anyone, input: path, context: Context::at(shop.now) };
            let clients = (shop.served.clone(), shop.cursors.clone());
            get_queue_ticket::handle(clients, call).await.map(|it| json!(it.value))
        };
        let ticket = came.ticket.clone();
        assert_eq!(told(&shop, ticket.clone()).await.unwrap()["state"], "ADMITTED");
        let first = if ticket.starts_with('A') { "B" } else { "A" };
        let changed = format!("{first}{}", &ticket[1..]);
        let stranger = shop.fan().await;
        for (shop, fan, ticket) in [
            (&shop, came.fan, changed.clone()),
            (&other, came.fan, ticket.clone()),
            (&shop, stranger, ticket.clone()),
        ] {
            let came = Came { fan, ticket, ..came.clone() };
            assert_eq!(shop.buys_with(&came).await, Err((400, "QUEUE_NUMBER_NEEDED")));
        }
        for (shop, ticket) in [(&shop, changed), (&other, ticket)] {
            assert_eq!(told(shop, ticket).await.unwrap_err().code(), "EVENT_NOT_FOUND");
        }
        assert_eq!(shop.buys_with(&came).await, Ok(()));
    });
}

#[test]
fn an_artist_opens_a_queue_and_whoever_has_a_number_buys() {
    stack::run(async {
        let world = World::new().await;
        let event = world.publish(world.event_body()).await;
        let queue = format!("/v1/events/{event}/queue");
        let tickets = format!("{queue}-tickets");
        let open = |by: &Member| {
            let open = world.request(Method::PUT, &queue).bearer_auth(&by.token);
            open.json(&json!({ "admissionsPerMinute": 10 }))
        };
        assert_eq!(world.refused(open(&world.fan)).await, (404, "EVENT_NOT_FOUND".into()));
        assert_eq!(world.done(open(&world.artist)).await["waiting"], 0);
        let order = json!({ "purpose": "TICKETS", "eventId": event, "quantity": 1 });
        let buy = |by: &Member| world.post("/v1/payments", by).json(&order);
        assert_eq!(world.done(open(&world.artist)).await["waiting"], 0, "said again");
        let refused = world.refused(buy(&world.fan)).await;
        assert_eq!(refused, (400, "QUEUE_NUMBER_NEEDED".into()));

        let number = async |by: &Member| world.done(world.post(&tickets, by)).await;
        let first = number(&world.fan).await;
        // Two between them, so that there is time to look.
        number(&world.guest).await;
        number(&world.artist).await;
        let second = number(&world.stranger).await;
        assert_eq!((&first["state"], &second["state"]), (&json!("ADMITTED"), &json!("WAITING")));
        assert_eq!((&second["ahead"], &second["soldOut"]), (&json!(2), &json!(false)));
        assert_eq!(number(&world.stranger).await["id"], second["id"], "one number a member");
        let with = |by: &Member, ticket: &Value| {
            buy(by).header("Queue-Ticket", ticket["id"].as_str().unwrap())
        };
        assert_eq!(world.refused(with(&world.stranger, &second)).await.0, 429);
        world.done(with(&world.fan, &first)).await;
        let path = format!("{tickets}/{}", second["id"].as_str().unwrap());
        let admitted = eventually("their turn comes", 60, async || {
            // Nobody needs a token to ask.
            let told = world.done(world.request(Method::GET, &path)).await;
            (told["state"] == "ADMITTED").then_some(())
        });
        admitted.await;
        world.done(with(&world.stranger, &second)).await;

        let close = |by: &Member| world.request(Method::DELETE, &queue).bearer_auth(&by.token);
        world.served(close(&world.artist)).await;
        assert_eq!(world.refused(close(&world.artist)).await, (400, "NO_QUEUE".into()));
        world.done(buy(&world.guest)).await;
    });
}
