//! Queues: who needs a number, who is given which, and when one opens.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    fault::Fault,
    queue::{CALMS_DOWN, Number, Pace, QueueTicket},
    time::Time,
};
use futures::future::join_all;
use stack::{assert_operation, metered};
use store::{
    Client, Store, Write,
    catalog::{
        event::Event,
        on_sale::{OnSale, OnSaleKey},
    },
    sales::{
        queue::QueueKey,
        sold_out::{SoldOut, mark},
    },
};

use super::shop::{Fan, Shop};
use crate::{
    Held, SalesFault, Tickets, close_queue, open_queue, queue::look_out, queue_up,
};

const STAYS: Duration = Duration::from_secs(600);
const INTERVAL: Duration = Duration::from_secs(1);

impl Shop {
    /// One whose artist opened a queue that lets one in each second, and who they are.
    async fn queued(capacity: i64) -> (Self, Fan) {
        let shop = Self::open(capacity).await;
        let artist = shop.is_its_artists().await;
        shop.paced(artist, 60).await.unwrap();
        (shop, artist)
    }

    /// Somebody whose event it is.
    async fn is_its_artists(&self) -> Fan {
        let artist = self.fan().await;
        let own = Event { artist_id: artist.member_id, ..self.event.clone() };
        self.store.write(Write::put(&OnSaleKey(own.id), &(&own).into()), ()).await.unwrap();
        artist
    }

    async fn paced(&self, artist: Fan, pace: i64) -> Result<Time, SalesFault> {
        let (caller, pace) = (stack::caller(&artist.claims()), Pace::try_from(pace).unwrap());
        open_queue(&self.store, &caller, self.event.id, pace, self.now).await
    }

    async fn closes(&self, artist: Fan) -> Result<(), SalesFault> {
        close_queue(&self.store, &stack::caller(&artist.claims()), self.event.id, self.now).await
    }

    async fn queues(&self, fan: Fan) -> Result<QueueTicket, SalesFault> {
        let queued =
            queue_up(&self.store, &stack::caller(&fan.claims()), self.event.id, self.now).await;
        queued.map(|(ticket, _)| ticket)
    }

    async fn buys(&self, fan: Fan, ticket: Option<QueueTicket>) -> Result<Held, SalesFault> {
        let tickets = Tickets { queue_ticket: ticket, ..self.so_many(1) };
        self.order(fan, tickets, &fastrand::u64(..).to_string()).await
    }

    /// What a buyer without a number is answered.
    async fn answer(&self) -> &'static str {
        match self.buys(self.fan().await, None).await {
            Ok(_) => "held",
            Err(fault) => fault.code().name,
        }
    }

    fn by_client(&self, client: Client) -> Self {
        Self { store: Store::new(client, stack::prefix()), ..self.clone() }
    }
}

fn code<T>(answer: Result<T, SalesFault>) -> &'static str {
    answer.err().expect("it is refused").code().name
}

#[test]
fn while_there_is_a_queue_who_is_let_in_buys_and_nobody_else() {
    stack::run(async {
        let (shop, _) = Shop::queued(50).await;
        let [first, second] = [shop.fan().await, shop.fan().await];
        assert_eq!(shop.answer().await, "QUEUE_NUMBER_NEEDED");
        let [one, two] = [shop.queues(first).await.unwrap(), shop.queues(second).await.unwrap()];
        assert!(shop.buys(first, Some(one)).await.is_ok());
        let early = shop.buys(second, Some(two)).await;
        assert_eq!(early.unwrap_err().retry_after(), Some(INTERVAL));
        assert_eq!(code(shop.buys(second, Some(two)).await), "NOT_YOUR_TURN");
        assert_eq!(code(shop.buys(second, Some(one)).await), "QUEUE_NUMBER_NEEDED", "another's");
        assert!(shop.after(INTERVAL).buys(second, Some(two)).await.is_ok());
        let late = shop.after(INTERVAL + STAYS);
        assert_eq!(code(late.buys(second, Some(two)).await), "QUEUE_NUMBER_NEEDED");
    });
}

#[test]
fn a_member_has_one_number_until_it_is_over() {
    stack::run(async {
        let (shop, _) = Shop::queued(50).await;
        let fan = shop.fan().await;
        let ticket = shop.queues(fan).await.unwrap();
        assert_eq!(shop.queues(fan).await.unwrap(), ticket);
        let almost = shop.after(STAYS - Duration::from_millis(1));
        assert_eq!(almost.queues(fan).await.unwrap(), ticket);
        let over = shop.after(STAYS);
        let next = over.queues(fan).await.unwrap();
        assert_eq!(next.number, Number::at(over.now));
    });
}

#[test]
fn numbers_are_let_in_one_after_the_other_and_a_new_pace_is_that_of_new_numbers() {
    stack::run(async {
        let (shop, artist) = Shop::queued(50).await;
        let next = async || shop.queues(shop.fan().await).await.unwrap();
        let first = next().await;
        assert_eq!(first.number, Number::at(shop.now));
        assert_eq!(next().await.number, Number::at(shop.now.plus(INTERVAL)));
        shop.paced(artist, 120).await.unwrap();
        assert_eq!(next().await.number, Number::at(shop.now.plus(INTERVAL * 2)));
        assert_eq!(next().await.number, Number::at(shop.now.plus(INTERVAL * 5 / 2)));
        // Where nobody waits, who comes is in.
        let later = shop.after(INTERVAL * 60);
        assert_eq!(later.queues(shop.fan().await).await.unwrap().number, Number::at(later.now));
    });
}

#[test]
fn before_the_sale_numbers_are_given_for_its_beginning() {
    stack::run(async {
        let (shop, _) = Shop::queued(50).await;
        let begins = shop.event.sale().window.sale_starts_at;
        let early = Shop { now: begins.minus(INTERVAL * 600), ..shop.clone() };
        let artist = early.is_its_artists().await;
        early.paced(artist, 60).await.unwrap();
        for wait in [Duration::ZERO, INTERVAL] {
            let fan = early.fan().await;
            assert_eq!(early.queues(fan).await.unwrap().number, Number::at(begins.plus(wait)));
        }
    });
}

#[test]
fn only_the_artist_opens_and_closes_a_queue_and_who_waits_then_keeps_their_turn() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let (artist, other) = (shop.is_its_artists().await, shop.fan().await);
        assert_eq!(code(shop.paced(other, 60).await), "EVENT_NOT_FOUND");
        assert_eq!(code(shop.closes(artist).await), "NO_QUEUE");
        assert_eq!(code(shop.queues(other).await), "NO_QUEUE");
        assert_eq!(shop.answer().await, "held");
        let until = shop.paced(artist, 60).await.unwrap();
        assert_eq!(until, shop.event.sale().window.sale_ends_at);
        for _ in 0..3 {
            shop.queues(shop.fan().await).await.unwrap();
        }
        assert_eq!(code(shop.closes(other).await), "EVENT_NOT_FOUND");
        shop.closes(artist).await.unwrap();
        assert_eq!(code(shop.closes(artist).await), "NO_QUEUE");
        assert_eq!(shop.answer().await, "QUEUE_NUMBER_NEEDED", "two still wait");
        assert_eq!(shop.after(INTERVAL * 3).answer().await, "held");
        let over = Shop { now: until, ..shop.clone() };
        assert_eq!(code(over.paced(artist, 60).await), "SALE_ENDED");
    });
}

#[test]
fn who_comes_too_late_for_a_seat_is_told_so_and_takes_no_number() {
    stack::run(async {
        let (shop, _) = Shop::queued(50).await;
        let seen = mark(shop.event.id, SoldOut::default(), false, shop.now);
        shop.store.write(seen, ()).await.unwrap();
        assert_eq!(code(shop.queues(shop.fan().await).await), "SOLD_OUT");
        assert_eq!(shop.answer().await, "SOLD_OUT");
    });
}

#[test]
fn a_rush_opens_a_queue_that_closes_when_it_is_quiet_and_nobody_waits() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let event = OnSale::from(&shop.event);
        let queue = async || shop.store.get(&QueueKey(event.id)).await.unwrap();
        let mut tries = 0;
        while queue().await.is_none() {
            let key = fastrand::u128(..).to_string();
            look_out(&shop.store, &event, None, &key, shop.now).await.unwrap();
            tries += 1;
        }
        // What is counted is drawn.
        assert!((500..2_000).contains(&tries), "after {tries} a queue opened");
        assert_eq!(shop.answer().await, "QUEUE_NUMBER_NEEDED");
        assert_eq!(queue().await.unwrap().pace.get(), 600);
        let quiet = shop.after(CALMS_DOWN);
        assert_eq!(quiet.answer().await, "held");
        let almost = shop.after(CALMS_DOWN - Duration::from_millis(1));
        almost.queues(shop.fan().await).await.unwrap();
        assert_eq!(quiet.answer().await, "QUEUE_NUMBER_NEEDED", "one moment is taken");
        let later = quiet.after(Duration::from_secs(1));
        assert_eq!(later.answer().await, "held");
    });
}

#[test]
fn a_lost_answer_loses_a_moment_at_most_and_no_number() {
    stack::run(async {
        let (shop, _) = Shop::queued(50).await;
        let pace = Pace::try_from(60).unwrap();
        let losing = shop.by_client(stack::losing("UpdateItem", 1));
        shop.queues(shop.fan().await).await.unwrap();
        let next = losing.store.next_number(shop.event.id, pace, shop.now).await.unwrap();
        assert_eq!(next, Number::at(shop.now.plus(INTERVAL * 2)), "one interval later is nobody's");

        let (fan, losing) = (shop.fan().await, shop.by_client(stack::losing("PutItem", 1)));
        let ticket = losing.queues(fan).await.unwrap();
        assert_eq!(ticket.number, Number::at(shop.now.plus(INTERVAL * 3)));
        assert_eq!(shop.queues(fan).await.unwrap(), ticket);
    });
}

#[test]
fn a_queue_costs_what_the_data_model_says() {
    stack::run(async {
        let (client, meter) = metered();
        let shop = Shop::open(50).await.by_client(client);
        let artist = shop.is_its_artists().await;
        let [first, second] = [shop.fan().await, shop.fan().await];
        meter.take();
        let check = |operation: &str| assert_operation(operation, &meter.take());
        shop.paced(artist, 60).await.unwrap();
        check("open_queue");
        shop.queues(first).await.unwrap();
        check("create_queue_ticket, nobody waits");
        shop.queues(second).await.unwrap();
        check("create_queue_ticket, others wait");
        shop.queues(second).await.unwrap();
        check("create_queue_ticket again");
        shop.buys(second, None).await.unwrap_err();
        check("hold refused by the queue");
        shop.closes(artist).await.unwrap();
        check("close_queue");
    });
}

/// Of forty who ask at once, the moments; some asked twice.
async fn rush(shop: &Shop) -> Vec<QueueTicket> {
    let mut fans = Vec::new();
    for _ in 0..40 {
        fans.push(shop.fan().await);
    }
    let twice = fans.iter().chain(&fans[..10]);
    join_all(twice.map(|fan| shop.queues(*fan))).await.into_iter().map(Result::unwrap).collect()
}

/// Each has one number, nobody another's, and they are as far from each other as the pace says.
fn is_fair(tickets: &[QueueTicket], now: Time) -> bool {
    let members: BTreeSet<_> = tickets.iter().map(|ticket| ticket.member_id).collect();
    let each: BTreeSet<_> = tickets.iter().map(|it| (it.member_id, it.number)).collect();
    let numbers: Vec<_> = each.iter().map(|(_, number)| *number).collect();
    let numbers = Vec::from_iter(BTreeSet::from_iter(numbers));
    let apart = numbers.windows(2).all(|pair| {
        pair[0].admitted_at().until(pair[1].admitted_at()) >= INTERVAL
    });
    let none_before = numbers.first().is_some_and(|first| first.admitted_at() >= now);
    members.len() == each.len() && numbers.len() == each.len() && apart && none_before
}

#[test]
fn of_those_who_ask_at_once_each_has_one_number_and_nobody_anothers() {
    stack::run(async {
        let (shop, _) = Shop::queued(50).await;
        assert!(is_fair(&rush(&shop).await, shop.now));
    });
}

#[test]
fn without_the_condition_on_the_next_moment_they_have_not() {
    stack::run(async {
        let (shop, _) = Shop::queued(50).await;
        let shop = shop.by_client(stack::without("nextAt"));
        assert!(!is_fair(&rush(&shop).await, shop.now));
    });
}

#[test]
fn without_the_condition_on_a_members_number_they_have_not() {
    stack::run(async {
        let broken = stack::happens(async || {
            let (shop, _) = Shop::queued(50).await;
            let shop = shop.by_client(stack::without_all(&["pk"]));
            !is_fair(&rush(&shop).await, shop.now)
        });
        assert!(broken.await, "the condition makes no difference");
    });
}
