//! Every function that moves money, and the one that tells a crowd, dies before and after each of its outside calls. What the
//! buyer, Lambda and the workers do next must make it good, and doing it twice must change nothing.

mod followers;
mod ledger;
mod program;
mod world;

use domain::payment::State::{
    self, Approved, Cancelled, Expired, Failed, PartiallyRefunded, Refunded,
};
use serde_json::{Value, json};
use tests::kills::{Step, every_kill_point};

use self::{
    program::{program, things},
    world::World,
};
use crate::shop::{FIRST_LOOK, HOLD, books, variable};

/// A function that dies, and the calls at which it does.
struct Dying {
    function: &'static str,
    event: fn(&World) -> Value,
    calls: &'static str,
}

impl Dying {
    /// It dies at every point, each in a world of its own. At once, and after `recover`, the books are right; in the end nothing
    /// is open, the payment (if there is one) has come to one of `ends`, and recovering again changes nothing.
    fn survived(
        &self,
        prepare: impl AsyncFn() -> World,
        recover: impl AsyncFn(&World),
        ends: &[State],
    ) {
        stack::run(async {
            let things = things().await;
            let (aws, kakaopay) = (variable("AWS_ENDPOINT_URL"), variable("KAKAOPAY_URL"));
            let step = Step {
                name: self.function,
                services: &[("aws", &aws), ("kakaopay", &kakaopay)],
                program: &|outside| program(self.function, things, outside),
                event: &self.event,
            };
            let recover_once = async |world: &World| {
                books::check(&world.shop).await;
                recover(world).await;
            };
            let points = every_kill_point(step, prepare, recover_once, async |world, point| {
                let once = books::check(&world.shop).await;
                once.assert_settled();
                let states: Vec<_> = once.payments.iter().map(|payment| payment.state).collect();
                let good = states.len() <= 1 && states.iter().all(|state| ends.contains(state));
                assert!(good, "{states:?} after {point:?}");
                recover(world).await;
                let twice = books::check(&world.shop).await;
                assert_eq!(twice, once, "recovering twice after {point:?}");
            });
            let points = points.await;
            let names = points
                .iter()
                .map(|point| point.operation.operation.rsplit(['.', '/']).next().unwrap());
            let mut names: Vec<_> = names.collect();
            // Each call was met before and after it, and on a busy machine a client asks again.
            names.dedup();
            assert_eq!(names.join(" "), self.calls);
        });
    }
}

const PURCHASE: Dying = Dying {
    function: "create_payment",
    event: World::buying,
    calls: "BatchGetItem UpdateItem TransactWriteItems ready UpdateItem",
};

#[test]
fn a_purchase_that_dies_is_finished_by_the_same_request() {
    PURCHASE.survived(World::new, World::persist, &[Approved]);
}

#[test]
fn a_purchase_that_dies_and_is_left_gives_everything_back() {
    PURCHASE.survived(World::new, World::leave, &[Expired]);
}

const APPROVAL: Dying = Dying {
    function: "approve_payment",
    event: World::returning,
    calls: "GetItem UpdateItem approve TransactWriteItems",
};

async fn agreed() -> World {
    World::new().await.held().await.decided("approve").await
}

#[test]
fn an_approval_that_dies_is_finished_when_the_buyer_comes_again() {
    APPROVAL.survived(agreed, World::persist, &[Approved]);
}

#[test]
fn an_approval_that_dies_is_finished_without_the_buyer_or_never_charged() {
    APPROVAL.survived(agreed, World::leave, &[Approved, Expired]);
}

#[test]
fn an_approval_of_a_wrong_amount_that_dies_ends_with_all_money_back() {
    let wrong =
        async || agreed().await.with_faults(json!({ "approve": { "wrong_amount": 1 } })).await;
    let calls =
        "GetItem UpdateItem approve order TransactWriteItems UpdateItem order cancel UpdateItem";
    Dying { calls, ..APPROVAL }.survived(wrong, World::leave, &[Refunded, Expired]);
}

#[test]
fn calling_it_off_or_failing_gives_back_once_however_it_dies() {
    let calls = "GetItem order TransactWriteItems UpdateItem";
    for (decision, function, end) in
        [("cancel", "cancel_payment", Cancelled), ("fail", "fail_payment", Failed)]
    {
        let decided = async || World::new().await.held().await.decided(decision).await;
        let dying = Dying { function, event: World::returning, calls };
        dying.survived(decided, World::return_again, &[end]);
        dying.survived(decided, World::leave, &[end, Expired]);
    }
}

#[test]
fn giving_up_gives_back_once_however_it_dies() {
    let given_up = "BatchGetItem GetItem TransactWriteItems UpdateItem";
    let called_off = "GetItem TransactWriteItems UpdateItem";
    let held = async || World::new().await.held().await.decided("cancel").await;
    for (function, event, calls) in [
        ("give_up_payment", World::giving_up as fn(&World) -> Value, given_up),
        ("call_off_payment", World::calling_off, called_off),
    ] {
        let dying = Dying { function, event, calls };
        dying.survived(held, World::return_again, &[Cancelled]);
        dying.survived(held, World::leave, &[Cancelled, Expired]);
    }
}

#[test]
fn a_hold_that_is_past_is_ended_once_however_its_reader_dies() {
    let over = async || World::begun(HOLD * 2).await.held().await;
    let calls = "BatchGetItem GetItem TransactWriteItems UpdateItem";
    let reading = Dying { function: "get_payment", event: World::reading, calls };
    reading.survived(over, World::leave, &[Expired]);
}

const REFUND: Dying = Dying {
    function: "refund_payment",
    event: World::giving_back,
    calls: "BatchGetItem GetItem PutItem TransactWriteItems UpdateItem order cancel UpdateItem",
};

async fn paid() -> World {
    World::new().await.paid().await
}

#[test]
fn a_refund_that_dies_is_finished_by_the_same_request() {
    REFUND.survived(paid, World::give_back_again, &[PartiallyRefunded]);
}

#[test]
fn a_refund_that_dies_and_is_left_is_finished_or_never_began() {
    REFUND.survived(paid, World::leave, &[PartiallyRefunded, Approved]);
}

#[test]
fn a_refund_whose_money_did_not_go_at_once_goes_once_however_the_reconciler_dies() {
    let open = async || {
        World::begun(FIRST_LOOK * 2).await.paid().await.giving_back_without_kakaopay().await
    };
    let calls = "GetItem UpdateItem order cancel UpdateItem";
    Dying { calls, ..RECONCILIATION }.survived(open, World::leave, &[PartiallyRefunded]);
}

const CALLING_OFF: Dying = Dying {
    function: "refund_buyers",
    event: World::cancellation,
    calls: "BatchGetItem PutItem Query BatchGetItem UpdateItem Query BatchGetItem UpdateItem \
        Query BatchGetItem GetItem TransactWriteItems UpdateItem order cancel UpdateItem \
        Query BatchGetItem UpdateItem",
};

#[test]
fn a_purchase_of_a_cancelled_event_goes_back_once_however_the_worker_dies() {
    let paid = async || World::new().await.paid().await.cancelled().await;
    CALLING_OFF.survived(paid, World::told_again, &[Refunded]);
}

#[test]
fn a_hold_of_a_cancelled_event_is_ended_once_however_the_worker_dies() {
    let held = async || World::new().await.held().await.cancelled().await;
    let calls = "BatchGetItem PutItem Query BatchGetItem TransactWriteItems UpdateItem \
        Query BatchGetItem UpdateItem Query BatchGetItem UpdateItem Query BatchGetItem UpdateItem";
    Dying { calls, ..CALLING_OFF }.survived(held, World::told_again, &[Cancelled]);
}

const SERVING: Dying = Dying {
    function: "serve_waiting_lists",
    event: World::seats_came_back,
    calls: "GetItem UpdateItem BatchGetItem Query BatchGetItem Query BatchGetItem SendMessage \
        TransactWriteItems BatchGetItem Query BatchGetItem TransactWriteItems UpdateItem BatchGetItem Query \
        UpdateItem",
};

#[test]
fn seats_are_offered_once_however_the_worker_dies() {
    let waiting = async || World::new().await.waiting().await;
    SERVING.survived(waiting, World::serve_again, &[]);
}

#[test]
fn what_is_offered_is_bought_once_or_given_back_however_its_buyers_purchase_dies() {
    let offered = async || World::new().await.offered().await;
    let taking = Dying { event: World::taking, ..PURCHASE };
    taking.survived(offered, World::leave, &[Expired]);
}

const EXPIRY: Dying = Dying {
    function: "expire_holds",
    event: World::message,
    calls: "GetItem TransactWriteItems UpdateItem",
};

#[test]
fn the_end_of_a_hold_gives_back_once_however_it_dies() {
    let over = async || World::begun(HOLD * 2).await.held().await;
    EXPIRY.survived(over, World::leave, &[Expired]);
}

#[test]
fn a_hold_that_still_lives_is_not_lost_when_its_message_comes_early() {
    let alive = async || World::new().await.held().await;
    Dying { calls: "GetItem SendMessage", ..EXPIRY }.survived(alive, World::leave, &[Expired]);
}

const RECONCILIATION: Dying = Dying {
    function: "reconcile_payments",
    event: World::message,
    calls: "GetItem UpdateItem order TransactWriteItems",
};

#[test]
fn a_reconciliation_that_dies_finds_money_that_was_taken() {
    let taken = async || World::unclear(json!({ "drop_after": 1 }), 2).await;
    RECONCILIATION.survived(taken, World::leave, &[Approved]);
}

#[test]
fn a_reconciliation_that_dies_takes_money_that_was_not_taken_once() {
    let untaken = async || World::unclear(json!({ "drop_before": 1 }), 2).await;
    let calls = "GetItem UpdateItem order approve TransactWriteItems";
    Dying { calls, ..RECONCILIATION }.survived(untaken, World::leave, &[Approved]);
}

#[test]
fn a_reconciliation_that_dies_gives_a_wrong_amount_back_once() {
    let wrong = async || World::unclear(json!({ "wrong_amount": 1, "drop_after": 1 }), 2).await;
    let calls = "GetItem UpdateItem order TransactWriteItems UpdateItem order cancel UpdateItem";
    Dying { calls, ..RECONCILIATION }.survived(wrong, World::leave, &[Refunded]);
}

#[test]
fn money_that_came_after_a_refusal_goes_back_once_however_the_last_look_dies() {
    let calls = "GetItem UpdateItem order UpdateItem order cancel UpdateItem";
    Dying { calls, ..RECONCILIATION }.survived(World::charged_late, World::leave, &[Refunded]);
}

#[test]
fn a_reconciliation_that_learns_nothing_is_not_lost() {
    let mute = async || World::unclear(json!({ "drop_before": 1 }), 4).await;
    let calls = "GetItem UpdateItem order SendMessage";
    Dying { calls, ..RECONCILIATION }.survived(mute, World::leave, &[Approved]);
}
