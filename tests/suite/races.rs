//! Many at once, through the real handlers: exactly what there is is sold, once. Each rule has its negative control: the same
//! race with the condition taken out must break it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
};

use domain::{payment::State, stock::Shard};
use gateways::Limits;

use crate::shop::{Fan, Held, LEASE, Refusal, Shop, at_once, books, shards, simulator::Simulator};

const SOLD_OUT: Refusal = (400, "SOLD_OUT");

/// Each of them buys so many, at once: who holds seats, and how often each refusal was heard. A busy machine may turn away one try
/// in twenty for a moment; more would be a shop that is down.
async fn rush(
    shop: &Shop,
    buyers: Vec<(Fan, u32, String)>,
) -> (Vec<Held>, BTreeMap<Refusal, usize>) {
    let buy = |shop: Shop, (fan, quantity, key): (_, _, String)| async move {
        shop.buy_patiently(fan, quantity, &key).await
    };
    let mut refusals = BTreeMap::new();
    let mut held = Vec::new();
    let tries = buyers.len();
    for outcome in at_once(buyers.into_iter().map(|buyer| buy(shop.clone(), buyer))).await {
        match outcome {
            Ok(one) => held.push(one),
            Err(refusal) => *refusals.entry(refusal).or_default() += 1,
        }
    }
    let unavailable = shop.unavailable.load(Ordering::Relaxed);
    assert!(unavailable * 20 <= tries, "{unavailable} of {tries} tries were answered 503");
    (held, refusals)
}

async fn crowd(shop: &Shop, size: usize, quantity: u32) -> Vec<(Fan, u32, String)> {
    shop.crowd(size).await.into_iter().map(|fan| (fan, quantity, "key".into())).collect()
}

/// All of them pay at once.
async fn pay(shop: &Shop, held: &[Held]) {
    let pay = |shop: Shop, held: Held| async move { shop.pay(&held).await };
    for state in at_once(held.iter().map(|held| pay(shop.clone(), held.clone()))).await {
        assert_eq!(state, Ok(State::Approved));
    }
}

async fn without(attribute: &str, capacity: i64) -> Shop {
    Shop::with(stack::without(attribute), Simulator::shared(), Limits::default(), shards(capacity))
        .await
}

#[test]
fn a_thousand_buyers_get_exactly_the_fifty_seats_there_are() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let (held, refusals) = rush(&shop, crowd(&shop, 1_000, 1).await).await;
        assert_eq!((held.len(), refusals), (50, BTreeMap::from([(SOLD_OUT, 950)])));
        pay(&shop, &held).await;
        let books = books::check(&shop).await;
        assert_eq!((books.seats(), books.tickets.len()), ([0, 0, 50], 50));
        books.assert_settled();
    });
}

#[test]
fn without_the_condition_on_free_seats_the_same_race_oversells() {
    stack::run(async {
        let shop = without("free", 50).await;
        // A fifth of the crowd is enough to see it.
        let (held, _) = rush(&shop, crowd(&shop, 200, 1).await).await;
        assert!(held.len() > 50, "the condition makes no difference: {} of 50 seats", held.len());
    });
}

/// The last seats of a sold-out hall of 20,000: so many are free in each of its 40 shards.
async fn hall(free: impl Fn(u16) -> u32) -> Shop {
    let almost_sold = |shard: Shard| {
        let free = free(shard.number);
        Shard { free, sold: shard.free - free, ..shard }
    };
    let opening: Vec<_> = shards(20_000).into_iter().map(almost_sold).collect();
    assert_eq!(opening.len(), 40);
    Shop::with(stack::dynamo(), Simulator::shared(), Limits::default(), opening).await
}

#[test]
fn the_last_seats_of_a_large_hall_are_all_sold_however_many_come() {
    stack::run(async {
        let shop = hall(|_| 2).await;
        let (held, refusals) = rush(&shop, crowd(&shop, 200, 1).await).await;
        assert_eq!((held.len(), refusals), (80, BTreeMap::from([(SOLD_OUT, 120)])));
        pay(&shop, &held).await;
        assert_eq!(books::check(&shop).await.seats(), [0, 0, 20_000]);
    });
}

#[test]
fn seats_that_lie_scattered_over_the_shards_are_all_sold_one_buyer_after_the_other() {
    stack::run(async {
        // 13 seats, each alone in its shard.
        let shop = hall(|shard| u32::from(shard % 3 == 1)).await;
        for quantity in [4, 3, 1, 4, 1] {
            shop.buy(shop.fan().await, quantity, "key").await.unwrap();
        }
        assert_eq!(shop.buy(shop.fan().await, 1, "key").await, Err(SOLD_OUT));
        assert_eq!(books::check(&shop).await.seats(), [0, 13, 19_987]);
    });
}

#[test]
fn seats_that_lie_scattered_over_the_shards_are_all_sold_to_a_crowd() {
    stack::run(async {
        // 20 seats, each alone in its shard, for buyers of two.
        let shop = hall(|shard| u32::from(shard % 2 == 0)).await;
        let (held, refusals) = rush(&shop, crowd(&shop, 60, 2).await).await;
        assert_eq!((held.len(), refusals), (10, BTreeMap::from([(SOLD_OUT, 50)])));
        assert_eq!(books::check(&shop).await.seats(), [0, 20, 19_980]);
    });
}

/// One buyer of 20 times one ticket, at once.
async fn greedy(shop: &Shop) -> (Vec<Held>, BTreeMap<Refusal, usize>) {
    let fan = shop.fan().await;
    rush(shop, (0..20).map(|number| (fan, 1, format!("key-{number}"))).collect()).await
}

#[test]
fn one_buyer_gets_four_tickets_however_many_tries_at_once() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let (held, refusals) = greedy(&shop).await;
        assert_eq!((held.len(), refusals), (4, BTreeMap::from([((400, "TICKET_LIMIT"), 16)])));
        pay(&shop, &held).await;
        assert_eq!(books::check(&shop).await.seats(), [46, 0, 4]);
    });
}

#[test]
fn without_the_condition_on_the_buyers_tickets_one_buyer_gets_more() {
    stack::run(async {
        assert_eq!(greedy(&without("tickets", 50).await).await.0.len(), 20);
    });
}

/// One key, 20 times at once: the payments that were made, and what those who got none were told.
async fn hasty(shop: &Shop) -> (BTreeSet<Held>, BTreeSet<Refusal>) {
    let fan = shop.fan().await;
    let buy = |shop: Shop| async move { shop.buy(fan, 1, "key").await };
    let outcomes = at_once((0..20).map(|_| buy(shop.clone()))).await;
    let refusals = outcomes.iter().filter_map(|outcome| outcome.clone().err()).collect();
    let made = outcomes.into_iter().flatten().collect();
    (made, refusals)
}

#[test]
fn one_key_sent_twenty_times_at_once_makes_one_payment() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let (made, refusals) = hasty(&shop).await;
        assert_eq!(made.len(), 1, "{made:?}");
        assert!(
            refusals.iter().all(|refusal| *refusal == (409, "IDEMPOTENCY_IN_PROGRESS")),
            "{refusals:?}"
        );
        let again = shop.after(LEASE).buy(shop.fans()[0], 1, "key").await.unwrap();
        assert!(made.contains(&again));
        assert_eq!(books::check(&shop).await.seats(), [49, 1, 0]);
    });
}

#[test]
fn without_the_condition_on_the_key_it_makes_several() {
    stack::run(async {
        let made = hasty(&without("expiresAt", 50).await).await.0;
        assert!(made.len() > 1, "the condition makes no difference");
    });
}

/// The same return address, visited 20 times at once, and how it stands when all are gone.
async fn impatient(shop: &Shop) -> Held {
    let held = shop.buy(shop.fan().await, 2, "key").await.unwrap();
    let back = shop.simulator.decide(&held.page, "approve").await.unwrap();
    let visit = |shop: Shop, address: String| async move { shop.visit(&address).await };
    at_once((0..20).map(|_| visit(shop.clone(), back.address.clone()))).await;
    held
}

#[test]
fn one_return_address_visited_twenty_times_at_once_charges_once_and_makes_one_set_of_tickets() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let held = impatient(&shop).await;
        let books = books::check(&shop).await;
        assert_eq!((books.seats(), books.tickets.len()), ([48, 0, 2], 2));
        let orders = shop.simulator.orders().await;
        let order =
            orders.iter().find(|order| order.partner_order_id == held.id.to_string()).unwrap();
        assert_eq!((order.approve_calls, order.approved_amount), (1, 60_000));
    });
}

#[test]
fn without_the_condition_on_the_payments_version_it_makes_several_sets() {
    stack::run(async {
        // It takes two visits that both read before either writes: one crowd may happen to come one by one.
        for _ in 0..10 {
            let shop = without("version", 50).await;
            // Somebody else's seats are what the other sets are made of.
            shop.buy_patiently(shop.fan().await, 4, "key").await.unwrap();
            impatient(&shop).await;
            let tickets = shop.store.tickets_of(shop.fans()[1].member_id, 100, None).await;
            if tickets.unwrap().items.len() > 2 {
                return;
            }
        }
        panic!("the condition makes no difference");
    });
}
