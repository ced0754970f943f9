//! Many at once.

use domain::fault::Fault;

use super::shop::{Fan, PRICE, Shop};
use crate::{Held, SalesFault};

/// All of them buy at once.
async fn rush(shop: &Shop, buyers: Vec<(Fan, i64, String)>) -> Vec<Result<Held, SalesFault>> {
    let buying = buyers.into_iter().map(|(fan, quantity, key)| {
        let shop = shop.clone();
        tokio::spawn(async move { shop.buy(fan, quantity, &key).await })
    });
    let mut outcomes = Vec::new();
    for buyer in buying.collect::<Vec<_>>() {
        outcomes.push(buyer.await.unwrap());
    }
    outcomes
}

async fn crowd(shop: &Shop, size: usize, quantity: i64) -> Vec<(Fan, i64, String)> {
    let mut crowd = Vec::new();
    for _ in 0..size {
        crowd.push((shop.fan().await, quantity, "key".to_owned()));
    }
    crowd
}

/// 200 buyers of 50 seats: how many hold one.
async fn race(shop: &Shop) -> usize {
    let outcomes = rush(shop, crowd(shop, 200, 1).await).await;
    let refused: Vec<_> =
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(Fault::code).collect();
    assert!(refused.iter().all(|code| *code == "SOLD_OUT"), "clear refusals only: {refused:?}");
    outcomes.len() - refused.len()
}

#[test]
fn two_hundred_buyers_get_exactly_the_fifty_seats_there_are() {
    stack::run(async {
        let shop = Shop::open(50).await;
        assert_eq!((race(&shop).await, shop.stock().await), (50, [0, 50, 0]));
    });
}

#[test]
fn without_the_condition_on_free_seats_the_same_race_oversells() {
    stack::run(async {
        let held = race(&Shop::with(stack::without("free"), 50, PRICE).await).await;
        assert!(held > 50, "the condition makes no difference: {held} of 50 seats");
    });
}

#[test]
fn a_crowd_before_many_shards_is_told_sold_out_only_when_it_is() {
    stack::run(async {
        let shop = Shop::open(2_000).await;
        assert_eq!(shop.shards().await.len(), 4);
        for number in 0..4 {
            shop.set_free(number, 7).await;
        }
        let outcomes = rush(&shop, crowd(&shop, 20, 3).await).await;
        // 28 seats: nine buyers of 3, and one seat left that nobody of them wants.
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 9);
        assert_eq!(shop.stock().await, [1, 27, 0]);
        shop.buy(shop.fan().await, 1, "key").await.unwrap();
    });
}

#[test]
fn one_buyer_never_gets_more_than_four_however_many_tries_at_once() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let fan = shop.fan().await;
        let tries = (0..10).map(|number| (fan, 1, format!("key {number}"))).collect();
        let outcomes = rush(&shop, tries).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 4);
        let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        assert!(refused.map(Fault::code).all(|code| code == "TICKET_LIMIT"));
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([46, 4, 0], 4));
    });
}

#[test]
fn one_key_sent_ten_times_at_once_makes_one_payment() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let fan = shop.fan().await;
        let outcomes = rush(&shop, (0..10).map(|_| (fan, 1, "key".to_owned())).collect()).await;
        let made: Vec<_> = outcomes.iter().flatten().collect();
        assert!(made.iter().all(|held| *held == made[0]), "{made:?}");
        let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        assert!(refused.map(Fault::code).all(|code| code == "IDEMPOTENCY_IN_PROGRESS"));
        assert_eq!((shop.stock().await, shop.kakaopay.orders()), ([49, 1, 0], 1));
        assert_eq!(shop.buy(fan, 1, "key").await.unwrap(), *made[0]);
    });
}
