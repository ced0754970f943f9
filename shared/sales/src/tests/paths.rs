//! Every path of a purchase, from a model of it: after each step all that can be seen is what the model says.
//!
//! On a path no state comes twice, and KakaoPay's calls go wrong in [`TROUBLES`] events at most. Where several events lead to the same
//! state, each is taken and one is followed. In each state all that must change nothing there is tried, too.

mod model;

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex},
};

use domain::{
    fault::Fault,
    id::{ClaimId, MemberId, TicketId},
    payment::{State, Step},
    points::Account,
    refund::{Cause, Refunded},
    ticket,
    time::Time,
};
use futures::{StreamExt, stream};
use store::{
    Store,
    sales::{
        buyer::BuyerKey,
        claim::ClaimKey,
        payment::{Payment, PaymentKey},
        points::BalanceKey,
        stock::StockKey,
    },
};

use super::{
    kakaopay::Trouble::Refused,
    shop::{Fan, PRICE, Shop},
    trouble::MINUTE,
};
use crate::{
    Asked, SalesFault, approve, call_off, come_back_unpaid, expire, give_up, reconcile, refund,
};
use model::{BASKETS, BOUGHT, Basket, Books, Deed, Event, Model, POINTS, SEATS, Seen, events};

/// In how many events of one path calls of KakaoPay's go wrong. Two make thousands of paths.
const TROUBLES: usize = 1;

/// How many paths are played side by side.
const AT_ONCE: usize = 16;

/// All paths from a model.
#[derive(Default)]
struct Walk {
    /// Which events were taken in which state.
    taken: HashSet<(Model, Event)>,
    paths: Vec<Vec<Event>>,
}

impl Walk {
    /// Goes on from the last of the models, to which the path has led.
    fn on(&mut self, models: &mut Vec<Model>, path: &mut Vec<Event>) {
        let here = models.last().unwrap().clone();
        let troubles = path.iter().filter(|(_, luck)| !luck.is_empty()).count();
        let mut led_to = Vec::new();
        for event in events().filter(|(_, luck)| luck.is_empty() || troubles < TROUBLES) {
            let Some((next, _)) = here.after(event) else { continue };
            if models.contains(&next) {
                continue;
            }
            path.push(event);
            let is_new = self.taken.insert((here.clone(), event));
            if !led_to.contains(&next) {
                led_to.push(next.clone());
                models.push(next);
                self.on(models, path);
                models.pop();
            } else if is_new {
                self.paths.push(path.clone());
            }
            path.pop();
        }
        if led_to.is_empty() {
            self.paths.push(path.clone());
        }
    }
}

/// The purchase that goes a path.
struct Scene {
    shop: Shop,
    fan: Fan,
    basket: Basket,
    coupon: Option<ClaimId>,
    started: Time,
    /// As it was told of last, once there is one.
    payment: Option<Payment>,
}

impl Scene {
    async fn open(store: Store, basket: Basket) -> Self {
        let shop = Shop::within(store, SEATS.into(), PRICE).await;
        let fan = shop.fan().await;
        shop.tops_up(fan, POINTS).await;
        let coupon = if basket.coupon { Some(shop.claims(fan, 9).await) } else { None };
        Self { started: shop.now, shop, fan, basket, coupon, payment: None }
    }

    /// An event happens, and whoever did it is told what the model says.
    async fn plays(&mut self, before: &Model, event: Event, path: &str) -> Model {
        let (deed, luck) = event;
        let (next, code) = before.after(event).unwrap();
        self.shop.now = self.started.plus(MINUTE * next.now as u32);
        let kakaopay = &self.shop.kakaopay;
        for (operation, trouble) in luck {
            // What moves no money is asked twice before it counts as lost.
            let twice = matches!(*operation, "ready" | "order") && *trouble != Refused;
            kakaopay.trouble(operation, &[*trouble; 2][..if twice { 2 } else { 1 }]);
        }
        if let Some(status) = before.on_the_page(deed) {
            kakaopay.payer(self.tid().unwrap(), status);
        }
        let told = match (deed, self.payment.clone()) {
            (Deed::Buys, _) => self.buys().await,
            (_, payment) => match self.does(deed, payment.unwrap()).await {
                Ok(payment) => Ok(self.payment.insert(payment).state),
                Err(fault) => Err(fault),
            },
        };
        let told = told.map_err(|fault| fault.code().name);
        assert_eq!(told, code.map_or(Ok(next.state), Err), "told after {path}");
        assert!(self.shop.kakaopay.all_trouble_came(), "what KakaoPay was asked after {path}");
        next
    }

    async fn buys(&mut self) -> Result<State, SalesFault> {
        let (shop, fan, Basket { points, .. }) = (&self.shop, self.fan, self.basket);
        let bought = shop.buy_with(fan, BOUGHT.into(), "key", self.coupon, points).await;
        self.payment = shop.store.payments_of(fan.member_id, 1, None).await.unwrap().items.pop();
        bought.map(|held| held.state)
    }

    async fn does(&self, deed: Deed, payment: Payment) -> Result<Payment, SalesFault> {
        let Shop { store, kakaopay, now, .. } = &self.shop;
        let (client, now, id) = (&kakaopay.client, *now, payment.id);
        let token = &payment.return_token.0;
        let ticket_ids = match deed {
            Deed::Pays => return approve(store, client, id, token, "pg-token", now).await,
            Deed::Quits | Deed::Fails | Deed::Preview => {
                return come_back_unpaid(store, client, id, token, now).await;
            }
            Deed::CallsOff => return call_off(store, id, token, now).await,
            Deed::GivesUp => return give_up(store, id, payment.member_id, now).await,
            Deed::Expires => return expire(store, id, now).await,
            Deed::Reconciles => return reconcile(store, client, id, now).await,
            Deed::ReturnsOne => {
                vec![payment.ticket_ids().first().map_or_else(TicketId::generate, |id| *id)]
            }
            Deed::ReturnsAll => payment.tickets_left().collect(),
            Deed::Stranger => {
                approve(store, client, id, "token", "pg-token", now).await.unwrap_err();
                come_back_unpaid(store, client, id, "token", now).await.unwrap_err();
                call_off(store, id, "token", now).await.unwrap_err();
                return give_up(store, id, MemberId::generate(), now).await;
            }
            Deed::MoneyComes => {
                kakaopay.approved_unheard(self.tid().unwrap());
                return Ok(payment);
            }
            Deed::Crowd => {
                let crowd = self.shop.fan().await;
                self.shop.buy(crowd, SEATS.into(), "all").await.unwrap();
                return Ok(payment);
            }
            Deed::Buys | Deed::Waits | Deed::WaitsLong => return Ok(payment),
        };
        let balance = self.shop.balance(payment.member_id).await;
        let asked = Asked { ticket_ids, cause: Cause::BuyerAsked, total: None };
        refund(store, client, payment, balance, &asked, None, now).await
    }

    async fn seen(&self) -> Seen {
        let (Shop { store, event, .. }, told) = (&self.shop, self.payment.as_ref().unwrap());
        let (member_id, event_id) = (self.fan.member_id, event.id);
        let claim = self.coupon.map(|id| ClaimKey { member_id, id });
        let counter = BuyerKey { member_id, event_id };
        let (balance, stock) = (BalanceKey(member_id), StockKey { event_id, number: 0 });
        let keys = (PaymentKey(told.id), counter, balance, stock, Vec::from_iter(claim));
        let (payment, counter, balance, stock, mut claim) = store.read(&keys).await.unwrap();
        let (payment, balance, shard) = (payment.unwrap(), balance.unwrap(), stock.unwrap().shard);
        assert_eq!(payment, *told, "what is told is what is stored");
        let sum = store.sum_of(Account::Member(member_id)).await.unwrap().available;
        assert_eq!(sum, balance.balance.get().into(), "the balance is the sum of its transfers");
        let counter = counter.unwrap_or_default();
        let tickets = self.shop.tickets(self.fan).await;
        let of = |state| tickets.iter().filter(|it| it.state == state).count() as u32;
        let kakaopay = self.tid().map(|tid| self.shop.kakaopay.order(tid));
        let minute = |at: Time| {
            let seconds = self.started.until(at).as_secs();
            assert_eq!(seconds % 60, 0);
            seconds / 60
        };
        let Refunded { tickets, points, cash, .. } = payment.refunded;
        Seen {
            state: payment.state,
            history: payment.history.iter().map(|it| (it.step, minute(it.at))).collect(),
            due: payment.due_at.map(minute),
            attempts: payment.attempts,
            seats: [shard.free, shard.held, shard.sold],
            counter: [counter.tickets, counter.unpaid.unpaid],
            tickets: [of(ticket::State::Valid), of(ticket::State::Refunded)],
            refunded: (tickets, points.get(), cash.get()),
            points: (balance.balance.get(), balance.bought.get()),
            coupon: claim.pop().flatten().map(|claim| claim.state_at(self.shop.now)),
            kakaopay: kakaopay.map(|it| Books {
                status: it.status,
                taken: it.approved,
                back: it.cancelled,
            }),
        }
    }

    fn tid(&self) -> Option<&str> {
        let order = self.payment.as_ref()?.order.as_ref()?;
        Some(&order.tid)
    }
}

/// Where somebody was already.
#[derive(Default)]
struct Visited {
    paths: HashSet<(Basket, Vec<Event>)>,
    states: HashSet<Model>,
}

/// Plays a path, and answers the purchase's steps and how many events there were. Of paths that begin alike one looks; of those
/// that come to a state one tries all that must change nothing there.
async fn play(
    store: Store,
    basket: Basket,
    path: Vec<Event>,
    visited: Arc<Mutex<Visited>>,
) -> (Vec<Step>, usize) {
    let mut scene = Scene::open(store, basket).await;
    let mut model = Model::of(basket);
    let mut events_played = path.len();
    for (at, event) in path.iter().enumerate() {
        let so_far = format!("{:?} with {basket:?}", &path[..=at]);
        model = scene.plays(&model, *event, &so_far).await;
        if !visited.lock().unwrap().paths.insert((basket, path[..=at].to_vec())) {
            continue;
        }
        assert_eq!(scene.seen().await, model.seen(), "after {so_far}");
        if !visited.lock().unwrap().states.insert(model.clone()) {
            continue;
        }
        // Whoever is told something is told the payment as it was; the rest is looked at when all of it was tried.
        let still = |event: &Event| model.after(*event).is_some_and(|(next, _)| next == model);
        let before = scene.payment.clone();
        for event in events().filter(still) {
            scene.plays(&model, event, &format!("{event:?}, after {so_far}")).await;
            assert_eq!(scene.payment, before, "after {event:?}, after {so_far}");
            events_played += 1;
        }
        assert_eq!(scene.seen().await, model.seen(), "nothing was to change after {so_far}");
    }
    (scene.payment.unwrap().history.iter().map(|entry| entry.step).collect(), events_played)
}

#[test]
fn every_path_of_a_purchase_goes_as_the_model_says() {
    stack::run(async {
        let store = Store::new(stack::dynamo(), stack::prefix());
        let visited = Arc::<Mutex<Visited>>::default();
        let mut paths = Vec::new();
        for basket in BASKETS {
            let mut walk = Walk::default();
            walk.on(&mut vec![Model::of(basket)], &mut Vec::new());
            paths.extend(walk.paths.into_iter().map(|path| (basket, path)));
        }
        let played = stream::iter(paths)
            .map(|(basket, path)| tokio::spawn(play(store.clone(), basket, path, visited.clone())))
            .buffer_unordered(AT_ONCE);
        let played: Vec<_> = played.map(Result::unwrap).collect().await;

        let mut taken = BTreeSet::new();
        for (steps, _) in &played {
            let mut state = State::Reserved;
            for step in &steps[1..] {
                taken.insert((state, *step));
                state = state.after(*step).unwrap();
            }
        }
        let all = State::ALL.iter().flat_map(|state| Step::ALL.iter().map(|step| (*state, *step)));
        let legal = all.filter(|(state, step)| state.after(*step).is_ok());
        let never: Vec<_> = legal.filter(|pair| !taken.contains(pair)).collect();
        assert_eq!(never, [], "legal, and on no path");
        let events: usize = played.iter().map(|(_, events)| events).sum();
        let states = visited.lock().unwrap().states.len();
        println!("{} paths, {states} states, {events} events", played.len());
    });
}
