//! Queues: who needs a number, who is given which, and when one opens.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    fault::Fault,
    queue::{CALMS_DOWN, Pace, QueueTicket},
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
        queue::{Queue, QueueKey},
        sold_out::{SoldOut, mark},
    },
};

use super::shop::{Fan, Shop};
use crate::{Held, SalesFault, Tickets, close_queue, open_queue, queue::look_out, queue_up};

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

    async fn paced(&self, artist: Fan, pace: i64) -> Result<Queue, SalesFault> {
        let (caller, pace) = (stack::caller(&artist.claims()), Pace::try_from(pace).unwrap());
        open_queue(&self.store, &caller, self.event.id, pace, self.now).await
    }

    async fn closes(&self, artist: Fan) -> Result<(), SalesFault> {
        close_queue(&self.store, &stack::caller(&artist.claims()), self.event.id, self.now).await
    }

    async fn queues(&self, fan: Fan) -> Result<QueueTicket, SalesFault> {
        let (caller, address) = (stack::caller(&fan.claims()), fan.member_id.to_string());
        let queued = queue_up(&self.store, &caller, &address, self.event.id, self.now).await;
        queued.map(|(ticket, _, _)| ticket)
    }

    /// When somebody who comes now is let in.
    async fn next(&self) -> Time {
        self.queues(self.fan().await).await.unwrap().number.at
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
fn a_member_has_one_number_until_it_is_over_also_when_all_is_sold() {
    stack::run(async {
        let (shop, _) = Shop::queued(50).await;
        let fan = shop.fan().await;
        let ticket = shop.queues(fan).await.unwrap();
        let seen = mark(shop.event.id, SoldOut::default(), false, shop.now);
        shop.store.write(seen, ()).await.unwrap();
        assert_eq!(shop.queues(fan).await.unwrap(), ticket);
        let almost = shop.after(STAYS - Duration::from_millis(1));
        assert_eq!(almost.queues(fan).await.unwrap(), ticket);
        let over = shop.after(STAYS);
        assert_eq!(over.queues(fan).await.unwrap().number.at, over.now);
    });
}

#[test]
fn numbers_are_let_in_one_after_the_other_and_another_pace_is_that_of_all_who_wait() {
    stack::run(async {
        let (shop, artist) = Shop::queued(50).await;
        assert_eq!(shop.next().await, shop.now);
        let second = shop.fan().await;
        let ticket = shop.queues(second).await.unwrap();
        assert_eq!(ticket.number.at, shop.now.plus(INTERVAL));
        let queue = shop.paced(artist, 120).await.unwrap();
        assert_eq!(queue.line.waiting(shop.now), 1);
        assert_eq!(shop.next().await, shop.now.plus(INTERVAL));
        let sooner = shop.after(INTERVAL / 2);
        assert!(sooner.buys(second, Some(ticket)).await.is_ok(), "half a second after the first");
        // Where nobody waits, who comes is in.
        let later = shop.after(INTERVAL * 60);
        assert_eq!(later.next().await, later.now);
    });
}

#[test]
fn in_the_hour_before_the_sale_numbers_are_given_for_its_beginning() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let begins = shop.event.sale().window.sale_starts_at;
        let early = Shop { now: begins.minus(Duration::from_secs(3_600)), ..shop.clone() };
        let artist = early.is_its_artists().await;
        early.paced(artist, 60).await.unwrap();
        for wait in [Duration::ZERO, INTERVAL] {
            assert_eq!(early.next().await, begins.plus(wait));
        }
        let fan = early.fan().await;
        let too_early = Shop { now: early.now.minus(INTERVAL), ..early };
        assert_eq!(code(too_early.queues(fan).await), "SALE_NOT_STARTED");
        assert_eq!(too_early.answer().await, "SALE_NOT_STARTED", "and not that a number is needed");
    });
}

#[test]
fn only_the_artist_opens_and_closes_a_queue_and_one_that_is_closed_is_gone() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let (artist, other) = (shop.is_its_artists().await, shop.fan().await);
        assert_eq!(code(shop.paced(other, 60).await), "EVENT_NOT_FOUND");
        assert_eq!(code(shop.closes(artist).await), "NO_QUEUE");
        assert_eq!(code(shop.queues(other).await), "NO_QUEUE");
        assert_eq!(shop.answer().await, "held");
        let queue = shop.paced(artist, 60).await.unwrap();
        assert_eq!(queue.open_until, shop.event.sale().window.sale_ends_at);
        shop.next().await;
        let ticket = shop.queues(other).await.unwrap();
        assert_eq!(code(shop.closes(other).await), "EVENT_NOT_FOUND");
        shop.closes(artist).await.unwrap();
        assert_eq!(code(shop.closes(artist).await), "NO_QUEUE");
        assert_eq!(shop.answer().await, "held");
        let anew = shop.after(INTERVAL);
        anew.paced(artist, 60).await.unwrap();
        assert_eq!(code(anew.buys(other, Some(ticket)).await), "QUEUE_NUMBER_NEEDED");
        assert_eq!(anew.queues(other).await.unwrap().number.at, anew.now);
        let over = Shop { now: queue.open_until, ..shop.clone() };
        over.signs_in_again(artist).await;
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
            look_out(&shop.store, &event, None, &key, shop.now).await;
            tries += 1;
        }
        // What is counted is drawn.
        assert!((500..2_000).contains(&tries), "after {tries} a queue opened");
        assert_eq!(shop.answer().await, "QUEUE_NUMBER_NEEDED");
        assert_eq!(queue().await.unwrap().line.pace.get(), 600);
        let quiet = shop.after(CALMS_DOWN);
        assert_eq!(quiet.answer().await, "held");
        let almost = shop.after(CALMS_DOWN - Duration::from_millis(1));
        for _ in 0..2 {
            almost.next().await;
        }
        assert_eq!(quiet.answer().await, "QUEUE_NUMBER_NEEDED", "somebody waits");
        assert_eq!(quiet.after(INTERVAL).answer().await, "held");
    });
}

#[test]
fn a_lost_answer_loses_a_moment_at_most_and_no_number() {
    stack::run(async {
        let (shop, _) = Shop::queued(50).await;
        let losing = shop.by_client(stack::losing("UpdateItem", 1));
        shop.next().await;
        let line = shop.store.get(&QueueKey(shop.event.id)).await.unwrap().unwrap().line;
        let next = losing.store.next_number(shop.event.id, &line, shop.now).await.unwrap().unwrap();
        assert_eq!(next.at, shop.now.plus(INTERVAL * 2), "the one before is nobody's");

        let (fan, losing) = (shop.fan().await, shop.by_client(stack::losing("PutItem", 1)));
        let ticket = losing.queues(fan).await.unwrap();
        assert_eq!(ticket.number.at, shop.now.plus(INTERVAL * 3));
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

/// Of forty who ask at once, the numbers; some asked twice.
async fn rush(shop: &Shop) -> Vec<QueueTicket> {
    let mut fans = Vec::new();
    for _ in 0..40 {
        fans.push(shop.fan().await);
    }
    let twice = fans.iter().chain(&fans[..10]);
    join_all(twice.map(|fan| shop.queues(*fan))).await.into_iter().map(Result::unwrap).collect()
}

/// Each has one number, and nobody is let in less than an interval after another.
fn is_fair(tickets: &[QueueTicket]) -> bool {
    let members: BTreeSet<_> = tickets.iter().map(|ticket| ticket.member_id).collect();
    let each: BTreeSet<_> = tickets.iter().map(|it| (it.member_id, it.number.nth)).collect();
    let mut moments: Vec<_> = tickets.iter().map(|it| it.number.at).collect();
    moments.sort_unstable();
    moments.dedup();
    let apart = moments.windows(2).all(|pair| pair[0].until(pair[1]) >= INTERVAL);
    members.len() == each.len() && moments.len() == each.len() && apart
}

#[test]
fn of_those_who_ask_at_once_each_has_one_number_and_nobody_anothers() {
    stack::run(async {
        let (shop, _) = Shop::queued(50).await;
        assert!(is_fair(&rush(&shop).await));
        // The same where nobody has come for a while.
        assert!(is_fair(&rush(&shop.after(INTERVAL * 100)).await));
    });
}

#[test]
fn without_the_condition_on_how_many_were_given_two_have_one_number() {
    stack::run(async {
        let broken = stack::happens(async || {
            let (shop, _) = Shop::queued(50).await;
            shop.next().await;
            let quiet = shop
                .after(INTERVAL * 100)
                .by_client(stack::without_all(&["given", "base", "since"]));
            !is_fair(&rush(&quiet).await)
        });
        assert!(broken.await, "the condition makes no difference");
    });
}

#[test]
fn without_the_condition_on_a_members_number_they_have_two() {
    stack::run(async {
        let broken = stack::happens(async || {
            let (shop, _) = Shop::queued(50).await;
            !is_fair(&rush(&shop.by_client(stack::without_all(&["pk"]))).await)
        });
        assert!(broken.await, "the condition makes no difference");
    });
}
