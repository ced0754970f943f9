//! Every path of a purchase, from a model of it: after each step all that can be seen is what the model says.
//!
//! On a path no state comes twice, and at most [`TROUBLES`] calls of KakaoPay's go wrong. Where several events lead to the same state,
//! each is taken and one is followed. In each state all that must change nothing there is tried, too.

mod model;

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex},
};

use domain::{
    fault::Fault,
    id::{ClaimId, MemberId, TicketId},
    payment::{State, Step},
    ticket,
    time::Time,
};
use futures::{StreamExt, stream};
use store::{
    Store,
    sales::{buyer::BuyerKey, payment::Payment},
};

use super::{
    kakaopay::Trouble::Refused,
    shop::{Fan, PRICE, Shop},
    trouble::MINUTE,
};
use crate::{Held, SalesFault, approve, call_off, come_back_unpaid, give_up};
use model::{BASKETS, BOUGHT, Basket, Books, Deed, Event, Model, POINTS, SEATS, Seen, events};

/// How many calls of KakaoPay's go wrong on one path.
const TROUBLES: usize = 2;

/// How many paths are played side by side.
const AT_ONCE: usize = 16;

/// All paths from a model, by their events.
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
        let troubles: usize = path.iter().map(|(_, luck)| luck.len()).sum();
        let mut led_to = Vec::new();
        for event in events().filter(|(_, luck)| troubles + luck.len() <= TROUBLES) {
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
    /// The purchase, once there is one.
    held: Option<Held>,
}

impl Scene {
    async fn open(store: Store, basket: Basket) -> Self {
        let shop = Shop::within(store, SEATS.into(), PRICE).await;
        let fan = shop.fan().await;
        shop.tops_up(fan, POINTS).await;
        let coupon = if basket.coupon { Some(shop.claims(fan, 9).await) } else { None };
        Self { started: shop.now, shop, fan, basket, coupon, held: None }
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
        let told = match deed {
            Deed::Buys => self.buys().await,
            _ => self.does(deed).await.map(|payment| payment.state),
        };
        let told = told.map_err(|fault| fault.code().name);
        assert_eq!(told, code.map_or(Ok(next.state), Err), "told after {path}");
        assert!(self.shop.kakaopay.all_trouble_came(), "what KakaoPay was asked after {path}");
        next
    }

    async fn buys(&mut self) -> Result<State, SalesFault> {
        let (shop, fan, Basket { points, .. }) = (&self.shop, self.fan, self.basket);
        let bought = shop.buy_with(fan, BOUGHT.into(), "key", self.coupon, points).await;
        let mut newest = shop.store.payments_of(fan.member_id, 1, None).await.unwrap().items;
        let Payment { id: payment_id, state, amounts, hold_ends_at, order, .. } = newest.remove(0);
        self.held = Some(Held { payment_id, state, amounts, hold_ends_at, order });
        bought.map(|held| held.state)
    }

    async fn does(&self, deed: Deed) -> Result<Payment, SalesFault> {
        let (shop, fan) = (&self.shop, self.fan);
        let held = self.held.as_ref().unwrap();
        let (store, client, id, now) =
            (&shop.store, &shop.kakaopay.client, held.payment_id, shop.now);
        let payment = shop.payment(held).await;
        match deed {
            Deed::Pays => Ok(shop.come_back(held).await),
            Deed::Quits | Deed::Fails | Deed::Preview => Ok(shop.comes_back_unpaid(held).await),
            Deed::CallsOff => call_off(store, id, &payment.return_token.0, now).await,
            Deed::GivesUp => give_up(store, id, fan.member_id, now).await,
            Deed::Expires => crate::expire(store, id, now).await,
            Deed::Reconciles => Ok(shop.reconcile(held).await),
            Deed::ReturnsOne => {
                let first = payment.ticket_ids().first().copied();
                shop.refunds(held, vec![first.unwrap_or_else(TicketId::generate)], None).await
            }
            Deed::ReturnsAll => shop.refunds(held, payment.tickets_left().collect(), None).await,
            Deed::Stranger => {
                approve(store, client, id, "token", "pg-token", now).await.unwrap_err();
                come_back_unpaid(store, client, id, "token", now).await.unwrap_err();
                call_off(store, id, "token", now).await.unwrap_err();
                give_up(store, id, MemberId::generate(), now).await
            }
            Deed::MoneyComes => {
                shop.kakaopay.approved_unheard(self.tid().unwrap());
                Ok(payment)
            }
            Deed::Crowd => {
                shop.buy(shop.fan().await, SEATS.into(), "all").await.unwrap();
                Ok(payment)
            }
            Deed::Buys | Deed::Waits | Deed::WaitsLong => Ok(payment),
        }
    }

    async fn seen(&self) -> Seen {
        let Self { shop, fan, .. } = self;
        let held = self.held.as_ref().unwrap();
        let payment = shop.payment(held).await;
        let key = BuyerKey { member_id: fan.member_id, event_id: shop.event.id };
        let counter = shop.store.get(&key).await.unwrap().unwrap_or_default();
        let tickets = shop.tickets(*fan).await;
        let of = |state| tickets.iter().filter(|it| it.state == state).count() as u32;
        let coupon = match self.coupon {
            Some(id) => Some(shop.coupon(*fan, id).await),
            None => None,
        };
        let kakaopay = self.tid().map(|tid| shop.kakaopay.order(tid));
        let minute = |at: Time| {
            let seconds = self.started.until(at).as_secs();
            assert_eq!(seconds % 60, 0);
            seconds / 60
        };
        let refunded = payment.refunded;
        Seen {
            state: payment.state,
            history: payment.history.iter().map(|it| (it.step, minute(it.at))).collect(),
            due: payment.due_at.map(minute),
            attempts: payment.attempts,
            seats: shop.stock().await,
            counter: [counter.tickets, counter.unpaid.unpaid],
            tickets: [of(ticket::State::Valid), of(ticket::State::Refunded)],
            refunded: (refunded.tickets, refunded.points.get(), refunded.cash.get()),
            points: shop.purse(*fan).await,
            coupon,
            kakaopay: kakaopay.map(|it| Books {
                status: it.status,
                taken: it.approved,
                back: it.cancelled,
            }),
        }
    }

    fn tid(&self) -> Option<&str> {
        let order = self.held.as_ref()?.order.as_ref()?;
        Some(&order.tid)
    }
}

/// Plays a path, and answers the steps that the purchase took, and how many events there were. In states where nobody was yet, what
/// must change nothing is tried, too.
async fn play(
    store: Store,
    basket: Basket,
    path: Vec<Event>,
    states: Arc<Mutex<HashSet<Model>>>,
) -> (Vec<Step>, usize) {
    let mut scene = Scene::open(store, basket).await;
    let mut model = Model::of(basket);
    let mut events_played = 0;
    for (at, event) in path.iter().enumerate() {
        let so_far = format!("{:?} with {basket:?}", &path[..=at]);
        model = scene.plays(&model, *event, &so_far).await;
        assert_eq!(scene.seen().await, model.seen(), "after {so_far}");
        events_played += 1;
        if !states.lock().unwrap().insert(model.clone()) {
            continue;
        }
        let still = |event: &Event| model.after(*event).is_some_and(|(next, _)| next == model);
        for event in events().filter(still) {
            let so_far = format!("{event:?}, after {so_far}");
            scene.plays(&model, event, &so_far).await;
            assert_eq!(scene.seen().await, model.seen(), "after {so_far}");
            events_played += 1;
        }
    }
    let payment = scene.shop.payment(scene.held.as_ref().unwrap()).await;
    (payment.history.iter().map(|entry| entry.step).collect(), events_played)
}

#[test]
fn every_path_of_a_purchase_goes_as_the_model_says() {
    stack::run(async {
        let store = Store::new(stack::dynamo(), stack::prefix());
        let states = Arc::<Mutex<HashSet<Model>>>::default();
        let mut paths = Vec::new();
        for basket in BASKETS {
            let mut walk = Walk::default();
            walk.on(&mut vec![Model::of(basket)], &mut Vec::new());
            paths.extend(walk.paths.into_iter().map(|path| (basket, path)));
        }
        let of_all = paths.len();
        let played = stream::iter(paths)
            .map(|(basket, path)| tokio::spawn(play(store.clone(), basket, path, states.clone())))
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
        let pairs =
            State::ALL.iter().flat_map(|state| Step::ALL.iter().map(|step| (*state, *step)));
        let legal = pairs.filter(|(state, step)| state.after(*step).is_ok());
        let never: Vec<_> = legal.filter(|pair| !taken.contains(pair)).collect();
        assert_eq!(never, [], "legal, and on no path");
        let events: usize = played.iter().map(|(_, events)| events).sum();
        println!("{of_all} paths, {} states, {events} events", states.lock().unwrap().len());
    });
}
