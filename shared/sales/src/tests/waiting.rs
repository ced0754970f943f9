//! Waiting lists: who is offered what comes back, and when.

use std::time::Duration;

use domain::{
    fault::Fault, id::OfferId, language::Language, payment::State as PaymentState, time::Time,
    waiting::State,
};
use futures::future::join_all;
use gateways::{MailMessage, Queue};
use serde_json::json;
use store::{
    Client, Store, Transaction, Write,
    catalog::on_sale::OnSaleKey,
    inbox::mail::{About, MailKey},
    sales::{
        due::DueWaiting,
        stock::{self, StockKey},
        waiting::{Waiting, WaitingKey, WaitingListKey},
    },
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::shop::{DAY, Fan, HOLD, Shop};
use crate::{
    Held, Place, SalesFault, Tickets, give_up, join, leave, look_again, place, serve, withdraw,
};

const OFFER: Duration = Duration::from_secs(30 * 60);

impl Shop {
    async fn joins(&self, fan: Fan, quantity: i64) -> Result<Place, SalesFault> {
        let caller = stack::caller(&fan.claims());
        let quantity = quantity.try_into().unwrap();
        join(&self.store, &caller, self.event.id, quantity, Language::English, self.now).await
    }

    async fn leaves(&self, fan: Fan) {
        let caller = stack::caller(&fan.claims());
        leave(&self.store, &caller, self.event.id, self.now).await.unwrap();
    }

    async fn place(&self, fan: Fan) -> Result<Place, SalesFault> {
        place(&self.store, &stack::caller(&fan.claims()), self.event.id, self.now).await
    }

    async fn stands(&self, fan: Fan) -> (State, Option<u32>) {
        let Place { state, position, .. } = self.place(fan).await.unwrap();
        (state, position)
    }

    async fn waiting(&self, fan: Fan) -> Waiting {
        let key = WaitingKey { member_id: fan.member_id, event_id: self.event.id };
        self.store.get(&key).await.unwrap().unwrap()
    }

    async fn offer(&self, fan: Fan) -> Option<OfferId> {
        self.waiting(fan).await.open_offer(self.now).map(|offer| offer.id)
    }

    /// The worker comes.
    async fn serves(&self) {
        let (_post, mail) = post().await;
        serve(&self.store, &mail, self.event.id, self.now).await.unwrap();
    }

    /// The worker comes to an offer that is over, and then to the list.
    async fn passes_on(&self, fan: Fan) {
        withdraw(&self.store, fan.member_id, self.event.id, self.now).await.unwrap();
        self.serves().await;
    }

    async fn takes(&self, fan: Fan, quantity: i64, offer: OfferId) -> Result<Held, SalesFault> {
        let tickets = Tickets { offer_id: Some(offer), ..self.so_many(quantity) };
        self.order(fan, tickets, &offer.to_string()).await
    }

    /// Free, offered, held and sold seats of all shards, which are the capacity, and whether they are for those who wait.
    async fn seats(&self) -> ([u32; 4], bool) {
        let keys = stock::keys(self.event.id, self.event.shards);
        let found: Vec<_> =
            self.store.read_all(&keys).await.unwrap().into_iter().map(Option::unwrap).collect();
        let seats = found.iter().fold([0; 4], |[free, offered, held, sold], it| {
            let shard = it.shard;
            [free + shard.free, offered + shard.offered, held + shard.held, sold + shard.sold]
        });
        let list = self.store.get(&WaitingListKey(self.event.id)).await.unwrap();
        let open = list.unwrap_or_default().open;
        assert!(found.iter().all(|it| it.waited_for == open), "the list and its shards disagree");
        (seats, open)
    }

    /// What of the event's list is due.
    async fn due(&self, now: Time) -> Vec<DueWaiting> {
        let all = (0..16).map(|shard| self.store.due_waiting(shard, now, 1_000));
        let due = join_all(all).await.into_iter().flat_map(Result::unwrap);
        due.filter(|it| it.event_id == self.event.id).collect()
    }

    /// Whether the list itself is.
    async fn is_due(&self, now: Time) -> bool {
        self.due(now).await.iter().any(|it| it.member_id.is_none())
    }

    /// So many seats come back.
    async fn frees(&self, seats: i64) {
        let key = StockKey { event_id: self.event.id, number: 0 };
        let back = Write::update(&key).add("sold", -seats).add("free", seats);
        self.store.write(back, ()).await.unwrap();
    }

    /// A shop all of whose seats are sold, to nobody that matters.
    async fn sold_out(capacity: i64) -> Self {
        Self::sold_out_by(stack::dynamo(), capacity).await
    }

    async fn sold_out_by(client: Client, capacity: i64) -> Self {
        let shop = Self::with(client, capacity, 0).await;
        let keys = stock::keys(shop.event.id, shop.event.shards);
        for stock in shop.store.read_all(&keys).await.unwrap().into_iter().flatten() {
            let key = StockKey { event_id: shop.event.id, number: stock.shard.number };
            let sold = Write::update(&key).set("free", 0).set("sold", stock.shard.free);
            shop.store.write(sold, ()).await.unwrap();
        }
        shop
    }

    /// The same shop over another client.
    fn by(&self, client: Client) -> Self {
        Self { store: Store::new(client, stack::prefix()), ..self.clone() }
    }

    /// Fans who joined one after the other, for so many each.
    async fn line(&self, quantities: &[i64]) -> Vec<Fan> {
        let mut line = Vec::new();
        for quantity in quantities {
            let fan = self.fan().await;
            self.joins(fan, *quantity).await.unwrap();
            line.push(fan);
        }
        line
    }

    /// Who has an offer.
    async fn offered(&self, fans: &[Fan]) -> Vec<bool> {
        join_all(fans.iter().map(async |fan| self.offer(*fan).await.is_some())).await
    }
}

/// A queue that takes everything. The second opinion has none.
async fn post() -> (MockServer, Queue<MailMessage>) {
    let server = MockServer::start().await;
    let taken = ResponseTemplate::new(200).set_body_json(json!({ "MessageId": "1" }));
    Mock::given(any()).respond_with(taken).mount(&server).await;
    let queue = Queue::new(&stack::aws(&server.uri()), server.uri());
    (server, queue)
}

fn code(result: Result<Held, SalesFault>) -> &'static str {
    result.unwrap_err().code().name
}

#[test]
fn nobody_waits_while_there_are_seats_and_then_what_comes_back_is_on_no_open_sale() {
    stack::run(async {
        let shop = Shop::with(stack::dynamo(), 2, 0).await;
        let (buyer, fan, other) = (shop.fan().await, shop.fan().await, shop.fan().await);
        shop.buy(buyer, 1, "one").await.unwrap();
        let refused = shop.joins(fan, 4).await.unwrap_err();
        assert!(matches!(refused, SalesFault::SeatsLeft { left: 1 }), "{refused}");
        assert_eq!(shop.place(fan).await.unwrap_err().code().name, "NOT_WAITING");
        shop.buy(buyer, 1, "two").await.unwrap();
        let sold_out = shop.buy(other, 1, "key").await.unwrap_err();
        assert!(matches!(sold_out, SalesFault::SoldOut { waited_for: false }));

        let joined = shop.joins(fan, 1).await.unwrap();
        assert_eq!((joined.waiting.state, joined.position), (State::Waiting, Some(1)));
        shop.frees(1).await;
        let later = shop.after(Duration::from_secs(6));
        let sold_out = later.buy(other, 1, "again").await.unwrap_err();
        assert!(matches!(sold_out, SalesFault::SoldOut { waited_for: true }), "{sold_out}");
        assert_eq!(later.seats().await, ([1, 0, 0, 1], true));
        later.serves().await;
        // Nobody is in the line any more, and what is offered is not for sale.
        assert_eq!(later.seats().await, ([0, 1, 0, 1], false));
        assert_eq!(code(later.buy(other, 1, "once more").await), "SOLD_OUT");
    });
}

#[test]
fn seats_are_offered_in_the_order_of_joining_and_who_bought_is_off_the_list() {
    stack::run(async {
        let shop = Shop::sold_out(6).await;
        let fans = shop.line(&[2, 1, 1]).await;
        let positions = join_all(fans.iter().map(|fan| shop.stands(*fan))).await;
        assert_eq!(positions, [1, 2, 3].map(|at| (State::Waiting, Some(at))));
        shop.serves().await;
        assert_eq!(shop.offered(&fans).await, [false; 3]);

        shop.frees(3).await;
        shop.serves().await;
        assert_eq!(shop.offered(&fans).await, [true, true, false]);
        assert_eq!(shop.stands(fans[2]).await, (State::Waiting, Some(1)));
        assert_eq!(shop.seats().await, ([0, 3, 0, 3], true));
        let offer = shop.offer(fans[0]).await.unwrap();
        let bought = shop.takes(fans[0], 2, offer).await.unwrap();
        assert_eq!(bought.state, PaymentState::Approved);
        assert_eq!(shop.seats().await, ([0, 1, 0, 5], true));
        let waiting = shop.waiting(fans[0]).await;
        assert_eq!((waiting.state, waiting.payment_id), (State::Taken, Some(bought.payment_id)));
        // The same key is the same purchase, and another can't take it again.
        assert_eq!(shop.takes(fans[0], 2, offer).await.unwrap(), bought);

        shop.frees(1).await;
        shop.serves().await;
        assert_eq!(shop.offered(&fans).await, [false, true, true]);
        shop.serves().await;
        assert_eq!(shop.seats().await, ([0, 2, 0, 4], false), "nobody is in the line");
    });
}

#[test]
fn an_offer_is_told_by_mail_and_in_the_inbox_once() {
    stack::run(async {
        let shop = Shop::sold_out(3).await;
        let fan = shop.line(&[2]).await[0];
        shop.frees(2).await;
        shop.serves().await;
        shop.serves().await;
        let offer = shop.waiting(fan).await.offer.unwrap();
        let told = shop.store.notifications_of(fan.member_id, shop.now, 10, None).await.unwrap();
        let [(told, _)] = &told.items[..] else { panic!("{:?}", told.items) };
        assert_eq!((told.kind.as_str(), told.tickets), ("WAITING_LIST_OFFER", Some(2)));
        assert_eq!(told.created_at, offer.at);
        let name = format!("Offered:{}", shop.waiting(fan).await.id);
        let about = About::WaitingListOffer { event_id: shop.event.id };
        let mail = store::inbox::mail::Mail::named(
            &name,
            fan.member_id,
            about,
            Language::English,
            offer.at,
        );
        assert_eq!(shop.store.get(&MailKey(mail.id)).await.unwrap(), Some(mail));
    });
}

#[test]
fn a_party_that_does_not_fit_is_passed_over_three_times_and_then_seats_are_gathered_for_it() {
    stack::run(async {
        let shop = Shop::sold_out(20).await;
        let fans = shop.line(&[3, 1, 1, 1, 1, 1]).await;
        for passed in 1..=3 {
            shop.frees(1).await;
            shop.serves().await;
            let offered = shop.offered(&fans).await.iter().filter(|it| **it).count();
            assert_eq!((offered, shop.offer(fans[0]).await), (passed, None));
        }
        for seats in 1..=2 {
            shop.frees(1).await;
            shop.serves().await;
            assert_eq!(shop.seats().await, ([seats, 3, 0, 17 - seats], true));
        }
        // Who comes later gets none of them.
        let late = shop.line(&[1]).await[0];
        shop.serves().await;
        assert_eq!(shop.offer(late).await, None);
        shop.frees(1).await;
        shop.serves().await;
        assert!(shop.offer(fans[0]).await.is_some());
        assert_eq!(shop.seats().await, ([0, 6, 0, 14], true));
    });
}

#[test]
fn what_is_gathered_for_too_long_is_offered_to_others() {
    stack::run(async {
        let shop = Shop::sold_out(20).await;
        let fans = shop.line(&[4, 1, 1, 1, 1]).await;
        shop.frees(4).await;
        let sold = Write::update(&StockKey { event_id: shop.event.id, number: 0 });
        shop.store.write(sold.add("free", -3).add("sold", 3), ()).await.unwrap();
        for _ in 0..3 {
            shop.serves().await;
            shop.frees(1).await;
        }
        shop.serves().await;
        assert_eq!(shop.offered(&fans).await, [false, true, true, true, false]);
        let list = shop.store.get(&WaitingListKey(shop.event.id)).await.unwrap().unwrap();
        let until = list.gathering.unwrap().until;
        let nearly = Shop { now: until.minus(Duration::from_millis(1)), ..shop.clone() };
        nearly.serves().await;
        assert_eq!(nearly.offer(fans[4]).await, None);
        // The sweeper sends it then.
        assert_eq!((shop.is_due(nearly.now).await, shop.is_due(until).await), (false, true));
        let over = Shop { now: until, ..shop.clone() };
        over.serves().await;
        assert!(over.offer(fans[4]).await.is_some());
        assert_eq!(over.stands(fans[0]).await, (State::Waiting, Some(1)));
    });
}

#[test]
fn who_comes_or_goes_has_the_list_looked_at_though_it_was_to_be_much_later() {
    stack::run(async {
        for leaves in [true, false] {
            let shop = Shop::sold_out(20).await;
            let fans = shop.line(&[4, 1, 1, 1, 1]).await;
            for _ in 0..4 {
                shop.frees(1).await;
                shop.serves().await;
            }
            assert_eq!(shop.offered(&fans).await, [false, true, true, true, false]);
            assert!(!shop.is_due(shop.now).await, "seats are gathered");
            if leaves {
                shop.leaves(fans[0]).await;
            } else {
                shop.joins(fans[0], 1).await.unwrap();
            }
            assert!(shop.is_due(shop.now).await);
            shop.serves().await;
            assert_eq!(shop.offered(&[fans[4]]).await, [leaves]);
            assert!(!shop.is_due(shop.now.plus(DAY)).await, "nothing is free");
        }
    });
}

#[test]
fn a_worker_that_dies_leaves_a_list_that_is_due_again() {
    stack::run(async {
        let shop = Shop::sold_out(3).await;
        shop.line(&[1]).await;
        shop.frees(1).await;
        let nowhere = Queue::<MailMessage>::new(&stack::aws("http://127.0.0.1:9"), "x".into());
        assert!(serve(&shop.store, &nowhere, shop.event.id, shop.now).await.is_err());
        assert!(!shop.is_due(shop.now).await);
        assert!(shop.is_due(shop.now.plus(Duration::from_secs(900))).await);
        shop.serves().await;
        assert!(!shop.is_due(shop.now.plus(DAY)).await);
    });
}

#[test]
fn a_seat_that_nobody_waits_for_any_more_is_for_everybody_at_once() {
    stack::run(async {
        let shop = Shop::sold_out(2).await;
        let (fan, buyer) = (shop.line(&[1]).await[0], shop.fan().await);
        shop.frees(1).await;
        shop.serves().await;
        assert_eq!(code(shop.buy(buyer, 1, "key").await), "SOLD_OUT");
        shop.leaves(fan).await;
        assert!(shop.buy(buyer, 1, "again").await.is_ok(), "no mark says otherwise");
    });
}

#[test]
fn who_let_holds_go_unpaid_waits_for_no_seats_until_their_pause_is_over() {
    stack::run(async {
        let shop = Shop::with(stack::dynamo(), 4, 30_000).await;
        let fan = shop.fan().await;
        for key in ["one", "two"] {
            let held = shop.buy(fan, 4, key).await.unwrap();
            give_up(&shop.store, held.payment_id, fan.member_id, shop.now).await.unwrap();
        }
        shop.set_free(0, 0).await;
        assert_eq!(shop.joins(fan, 1).await.unwrap_err().code().name, "UNPAID_TOO_OFTEN");
        assert!(shop.after(Duration::from_secs(60)).joins(fan, 1).await.is_ok());
    });
}

#[test]
fn an_offer_that_is_let_pass_goes_to_the_next_and_comes_back_to_nobody_by_surprise() {
    stack::run(async {
        let shop = Shop::sold_out(2).await;
        let fans = shop.line(&[1, 1]).await;
        shop.frees(1).await;
        shop.serves().await;
        let offer = shop.offer(fans[0]).await.unwrap();
        shop.passes_on(fans[0]).await;
        assert_eq!(shop.offered(&fans).await, [true, false], "it is open");

        let late = shop.after(OFFER);
        assert_eq!(late.stands(fans[0]).await, (State::Passed, None), "before anybody came to it");
        assert_eq!(code(late.takes(fans[0], 1, offer).await), "OFFER_OVER");
        late.passes_on(fans[0]).await;
        assert_eq!(late.offered(&fans).await, [false, true]);
        assert_eq!(late.stands(fans[0]).await, (State::Passed, None));
        late.leaves(fans[1]).await;
        late.serves().await;
        assert_eq!(late.offered(&fans[..1]).await, [false]);
        assert_eq!(late.seats().await, ([1, 0, 0, 1], false), "nobody waits any more");
        assert_eq!(late.place(fans[1]).await.unwrap_err().code().name, "NOT_WAITING");
        assert!(late.buy(fans[0], 1, "key").await.is_ok());
    });
}

#[test]
fn who_takes_an_offer_and_does_not_pay_leaves_it_to_the_next() {
    stack::run(async {
        let shop = Shop::with(stack::dynamo(), 1, 30_000).await;
        let buyer = shop.fan().await;
        let bought = shop.buy(buyer, 1, "key").await.unwrap();
        let fans = shop.line(&[1, 1]).await;
        give_up(&shop.store, bought.payment_id, buyer.member_id, shop.now).await.unwrap();
        shop.serves().await;
        let held = shop.takes(fans[0], 1, shop.offer(fans[0]).await.unwrap()).await.unwrap();
        assert_eq!((held.state, shop.seats().await), (PaymentState::Ready, ([0, 0, 1, 0], true)));
        let late = shop.after(HOLD);
        assert_eq!(late.expire(&held).await, PaymentState::Expired);
        late.serves().await;
        assert_eq!(late.offered(&fans).await, [false, true]);
        assert_eq!(late.stands(fans[0]).await, (State::Taken, None));
        // Who comes too late for their hold is behind those who wait.
        assert_eq!(late.agree(&held).await.state, PaymentState::Expired);
        assert_eq!(late.seats().await.0, [0, 1, 0, 0]);
    });
}

#[test]
fn an_offer_is_its_members_alone_and_taken_as_it_is() {
    stack::run(async {
        let shop = Shop::sold_out(3).await;
        let fans = shop.line(&[2, 1]).await;
        shop.frees(2).await;
        shop.serves().await;
        let offer = shop.offer(fans[0]).await.unwrap();
        assert_eq!(code(shop.takes(fans[1], 1, offer).await), "OFFER_OVER");
        assert_eq!(code(shop.takes(fans[0], 1, offer).await), "NOT_AS_OFFERED");
        assert_eq!(code(shop.takes(fans[0], 2, OfferId::generate()).await), "OFFER_OVER");
        assert_eq!(shop.joins(fans[0], 1).await.unwrap_err().code().name, "OFFER_OPEN");
        assert_eq!(shop.seats().await, ([0, 2, 0, 1], true));
        assert!(shop.takes(fans[0], 2, offer).await.is_ok());
    });
}

#[test]
fn joining_twice_is_joining_once_and_another_number_keeps_the_place() {
    stack::run(async {
        let shop = Shop::sold_out(9).await;
        let fans = shop.line(&[2, 1]).await;
        let first = shop.waiting(fans[0]).await;
        assert_eq!(shop.joins(fans[0], 2).await.unwrap().waiting, first);
        let changed = shop.joins(fans[0], 3).await.unwrap();
        assert_eq!((changed.waiting.id, changed.position), (first.id, Some(1)));
        shop.frees(2).await;
        shop.serves().await;
        assert_eq!(shop.offered(&fans).await, [false, true], "three don't fit");
        // Who leaves and joins again is at the end.
        let third = shop.line(&[1]).await[0];
        shop.leaves(fans[0]).await;
        shop.joins(fans[0], 1).await.unwrap();
        shop.serves().await;
        assert_eq!(shop.offered(&[third, fans[0]]).await, [true, false]);
        assert_eq!(shop.stands(fans[0]).await, (State::Waiting, Some(1)));
        assert_eq!(shop.joins(fans[0], 4).await.unwrap().waiting.quantity.get(), 4);
    });
}

#[test]
fn nobody_waits_for_more_than_they_may_have() {
    stack::run(async {
        let shop = Shop::with(stack::dynamo(), 3, 0).await;
        let fan = shop.fan().await;
        shop.buy(fan, 3, "key").await.unwrap();
        assert_eq!(shop.joins(fan, 2).await.unwrap_err().code().name, "TICKET_LIMIT");
        assert!(shop.joins(fan, 1).await.is_ok());
    });
}

#[test]
fn an_offer_ends_with_the_sale_and_so_does_the_list() {
    stack::run(async {
        let shop = Shop::sold_out(3).await;
        let fans = shop.line(&[1, 1]).await;
        let end = shop.event.schedule.sale_ends_at();
        let last = Shop { now: end.minus(Duration::from_secs(60)), ..shop.clone() };
        for fan in &fans {
            last.signs_in_again(*fan).await;
        }
        last.frees(1).await;
        last.serves().await;
        assert_eq!(last.waiting(fans[0]).await.offer.unwrap().ends_at, end);
        let over = Shop { now: end, ..shop.clone() };
        over.frees(1).await;
        assert_eq!(over.stands(fans[0]).await, (State::Passed, None));
        assert_eq!(over.stands(fans[1]).await, (State::Closed, None));
        over.passes_on(fans[0]).await;
        assert_eq!(over.waiting(fans[1]).await.state, State::Waiting, "nothing is offered");
        assert_eq!(over.seats().await.0, [2, 0, 0, 1]);
        assert_eq!(over.joins(fans[1], 2).await.unwrap_err().code().name, "SALE_ENDED");
    });
}

#[test]
fn of_an_event_that_is_cancelled_nothing_is_offered_and_what_was_is_given_back() {
    stack::run(async {
        let shop = Shop::sold_out(3).await;
        let fans = shop.line(&[1, 1]).await;
        shop.frees(2).await;
        let offered = shop.by(stack::dynamo());
        let sold = Write::update(&StockKey { event_id: shop.event.id, number: 0 });
        shop.store.write(sold.add("free", -1).add("sold", 1), ()).await.unwrap();
        offered.serves().await;
        let cancelled = shop.event.cancelled(shop.now);
        let terms = stock::change_terms(shop.event.id, shop.event.shards, cancelled.sale());
        let whole = terms.fold(Transaction::<()>::new(), Transaction::also);
        let on_sale = Write::put(&OnSaleKey(shop.event.id), &(&cancelled).into());
        shop.store.transact(whole.also(on_sale)).await.unwrap();
        shop.frees(1).await;
        shop.serves().await;
        assert_eq!(shop.offered(&fans).await, [true, false]);
        let offer = shop.offer(fans[0]).await.unwrap();
        assert_eq!(code(shop.takes(fans[0], 1, offer).await), "EVENT_CANCELLED");
        shop.after(OFFER).passes_on(fans[0]).await;
        assert_eq!(shop.seats().await.0, [2, 0, 0, 1]);
    });
}

#[test]
fn a_raised_capacity_serves_the_list_first() {
    stack::run(async {
        let shop = Shop::sold_out(2).await;
        let fans = shop.line(&[2, 1]).await;
        let more = Write::update(&StockKey { event_id: shop.event.id, number: 0 }).add("free", 4);
        shop.store.write(more, ()).await.unwrap();
        let stranger = shop.fan().await;
        assert_eq!(code(shop.buy(stranger, 1, "key").await), "SOLD_OUT");
        shop.serves().await;
        assert_eq!(shop.offered(&fans).await, [true, true]);
        assert_eq!(shop.seats().await, ([1, 3, 0, 2], false));
        let later = shop.after(Duration::from_secs(6));
        assert!(later.buy(stranger, 1, "again").await.is_ok(), "what is left is for everybody");
    });
}

/// Two workers at once, as often as it takes to see two offers of one seat; whether they were seen.
async fn two_workers_offer_twice(client: impl Fn() -> Client) -> bool {
    stack::happens(async || {
        let shop = Shop::sold_out(4).await;
        let fans = shop.line(&[1, 1, 1]).await;
        shop.frees(2).await;
        let workers = (0..4).map(async |_| shop.by(client()).serves().await);
        join_all(workers).await;
        let offered = shop.offered(&fans).await;
        let (seats, _) = shop.seats().await;
        seats != [0, 2, 0, 2] || offered != [true, true, false]
    })
    .await
}

#[test]
fn two_workers_offer_no_seat_twice_and_skip_nobody() {
    stack::run(async {
        assert!(!two_workers_offer_twice(stack::dynamo).await);
    });
}

#[test]
fn without_the_versions_of_list_and_place_they_do() {
    stack::run(async {
        let careless = || stack::without_all(&["version", "pk"]);
        assert!(two_workers_offer_twice(careless).await);
    });
}

/// An offer is taken and let pass at the moment in which it ends, as often as it takes to see both; whether both were seen.
async fn taken_and_passed(client: impl Fn() -> Client) -> bool {
    stack::happens(async || {
        let shop = Shop::sold_out(3).await;
        // Another's offer is open, too.
        let fan = shop.line(&[1, 1]).await[0];
        shop.frees(2).await;
        shop.serves().await;
        let offer = shop.offer(fan).await.unwrap();
        let end = shop.waiting(fan).await.offer.unwrap().ends_at;
        let before = Shop { now: end.minus(Duration::from_millis(1)), ..shop.by(client()) };
        let after = Shop { now: end, ..shop.by(client()) };
        let withdrawn = withdraw(&after.store, fan.member_id, shop.event.id, end);
        let (taken, withdrawn) = futures::join!(before.takes(fan, 1, offer), withdrawn);
        withdrawn.unwrap();
        let ([free, offered, held, sold], _) = shop.seats().await;
        assert_eq!(held, 0);
        match taken {
            Ok(_) => (free, offered, sold) != (0, 1, 2),
            Err(_) => (free, offered, sold) != (1, 1, 1),
        }
    })
    .await
}

#[test]
fn at_the_moment_in_which_an_offer_ends_one_of_two_gets_the_seat() {
    stack::run(async {
        assert!(!taken_and_passed(stack::dynamo).await);
    });
}

#[test]
fn without_the_offers_version_both_do() {
    stack::run(async {
        assert!(taken_and_passed(|| stack::without("version")).await);
    });
}

#[test]
fn the_sweeper_names_each_offer_that_ended_and_names_it_again_when_nothing_comes_of_it() {
    stack::run(async {
        let shop = Shop::sold_out(2).await;
        let fan = shop.line(&[1]).await[0];
        shop.frees(1).await;
        shop.serves().await;
        let end = shop.waiting(fan).await.offer.unwrap().ends_at;
        let named = async |now: Time| {
            let due = shop.due(now).await;
            let own: Vec<_> =
                due.into_iter().filter(|it| it.member_id == Some(fan.member_id)).collect();
            look_again(&shop.store, &own, now).await.unwrap();
            own.len()
        };
        assert_eq!(named(end.minus(Duration::from_secs(1))).await, 0);
        assert_eq!((named(end).await, named(end).await), (1, 0));
        assert_eq!(named(end.plus(Duration::from_secs(900))).await, 1);
        Shop { now: end, ..shop.clone() }.passes_on(fan).await;
        assert_eq!(named(end.plus(DAY)).await, 0);
    });
}

#[test]
fn a_place_behind_the_first_thousand_is_told_as_that() {
    stack::run(async {
        let shop = Shop::sold_out(2).await;
        let fan = shop.fan().await;
        let (event, one) = ((&shop.event).into(), 1.try_into().unwrap());
        let waiting = |_| {
            let member = domain::id::MemberId::generate();
            Waiting::joining(member, &event, one, Language::Korean, shop.now.minus(DAY)).enters()
        };
        for _ in 0..11 {
            let some = (0..95).map(waiting).fold(Transaction::<()>::new(), Transaction::also);
            shop.store.transact(some).await.unwrap();
        }
        let place = shop.joins(fan, 1).await.unwrap();
        assert_eq!(place.position, Some(1_001));
    });
}

#[test]
fn waiting_calls_and_costs_what_the_data_model_says() {
    stack::run(async {
        let shop = Shop::sold_out(9).await;
        let (client, meter) = stack::metered();
        let metered = shop.by(client);
        let (first, second) = (shop.fan().await, shop.fan().await);
        metered.joins(first, 1).await.unwrap();
        stack::assert_operation("join_waiting_list, the first", &meter.take());
        metered.joins(second, 1).await.unwrap();
        stack::assert_operation("join_waiting_list", &meter.take());
        metered.place(second).await.unwrap();
        stack::assert_operation("get_waiting_list", &meter.take());
        shop.frees(1).await;
        metered.serves().await;
        stack::assert_operation("serve_waiting_lists, one offer", &meter.take());
        metered.serves().await;
        stack::assert_operation("serve_waiting_lists, nothing free", &meter.take());
        let offer = shop.offer(first).await.unwrap();
        metered.takes(first, 1, offer).await.unwrap();
        stack::assert_operation("hold of what was offered, free", &meter.take());
        metered.leaves(second).await;
        stack::assert_operation("leave_waiting_list", &meter.take());
        metered.serves().await;
        stack::assert_operation("serve_waiting_lists, nobody left", &meter.take());
        let event_id = domain::id::EventId::generate();
        let (_post, mail) = post().await;
        serve(&metered.store, &mail, event_id, shop.now).await.unwrap();
        stack::assert_operation("serve_waiting_lists, no list", &meter.take());
    });
}
