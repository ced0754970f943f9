//! One purchase after the other, as it should go.

use std::time::Duration;

use domain::{fault::Fault, payment::State, time::Time};
use store::{
    Compare, Page, Start, Write,
    catalog::{event::EventKey, on_sale::OnSaleKey},
    ephemeral::rate,
    identity::member::MemberKey,
    sales::{by_event, payment::PaymentKey, stock::StockKey, ticket::Ticket},
};

use super::{
    kakaopay::Trouble::{LostBefore, Refused},
    shop::{DAY, HOLD, PRICE, Shop},
};
use crate::{
    Held, as_told, call_off, come_back_unpaid, give_up,
    hold::{BY_MEMBER, FROM_ADDRESS},
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_purchase_holds_seats_then_sells_them_for_tickets_and_points() {
    stack::run(async {
        let shop = Shop::open(50).await;
        let fan = shop.fan().await;

        let held = shop.buy(fan, 2, "key").await.unwrap();

        assert_eq!(held.state, State::Ready);
        assert_eq!(
            (held.amounts.cash.get(), held.hold_ends_at),
            (2 * PRICE as u64, shop.now.plus(HOLD))
        );
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([48, 2, 0], 2));

        let payment = shop.agree(&held).await;

        assert_eq!(payment.state, State::Approved);
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([48, 0, 2], 2));
        let tickets = shop.tickets(fan).await;
        assert_eq!(
            tickets.iter().filter(|ticket| payment.ticket_ids().contains(&ticket.id)).count(),
            2
        );
        assert_eq!(shop.points(fan).await, 300);
        assert_eq!(shop.kakaopay.order(&held.order.unwrap().tid).approved, 60_000);
        let steps: Vec<_> = payment.history.iter().map(|entry| entry.step.as_str()).collect();
        assert_eq!(steps, ["RESERVE", "MAKE_READY", "START_APPROVAL", "APPROVE"]);
        assert_eq!((payment.due_at, payment.pg_token), (Some(shop.now.plus(DAY)), None));
    });
}

#[test]
fn who_says_neither_how_old_they_are_nor_where_mail_reaches_them_buys_nothing() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        for (needed, without) in
            [("AGE_NEEDED", "declaredOfAgeAt"), ("EMAIL_NEEDED", "email"), ("AGE_NEEDED", "both")]
        {
            let key = MemberKey(fan.member_id);
            let before = shop.store.get(&key).await.unwrap().unwrap();
            let lacking = match without {
                "email" => Write::update(&key).remove("email"),
                "both" => Write::update(&key).remove("email").remove("declaredOfAgeAt"),
                one => Write::update(&key).remove(one),
            };
            shop.store.write(lacking, ()).await.unwrap();
            assert_eq!(shop.buy(fan, 1, without).await.unwrap_err().code(), needed, "{without}");
            assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
            shop.store.write(Write::put(&key, &before), ()).await.unwrap();
        }
        // The birth date says it too.
        let key = MemberKey(fan.member_id);
        let born = Write::update(&key).remove("declaredOfAgeAt").set("birthDate", "1995-03-14");
        shop.store.write(born, ()).await.unwrap();
        assert!(shop.buy(fan, 1, "key").await.is_ok());
        // What was bought is answered the same, whatever its buyer takes back.
        shop.store.write(Write::update(&key).remove("birthDate"), ()).await.unwrap();
        assert!(shop.buy(fan, 1, "key").await.is_ok());
        // Who signed up before there was the rule, as a child.
        let child = shop.now.korean_day();
        let born = Write::update(&key).set("birthDate", child).set("declaredOfAgeAt", 1);
        shop.store.write(born, ()).await.unwrap();
        assert_eq!(shop.buy(fan, 1, "child").await.unwrap_err().code(), "AGE_NEEDED");
    });
}

#[test]
fn nothing_to_pay_is_approved_at_once_without_kakaopay() {
    stack::run(async {
        let shop = Shop::with(stack::dynamo(), 5, 0).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 1, "key").await.unwrap();
        assert_eq!((held.state, held.order.clone()), (State::Approved, None));
        assert_eq!((shop.stock().await, shop.tickets(fan).await.len()), ([4, 0, 1], 1));
        assert_eq!((shop.kakaopay.orders(), shop.points(fan).await), (0, 0));
        assert_eq!(shop.buy(fan, 1, "key").await.unwrap(), held, "the same key, the same answer");
    });
}

#[test]
fn what_kakaopay_does_not_take_is_told_before_a_seat_is_held() {
    stack::run(async {
        for (price, quantity, good) in [
            (1, 4, false),
            (24, 2, false),
            (25, 2, true),
            (500_000, 4, true),
            (500_001, 4, false),
            (2_000_001, 1, false),
        ] {
            let shop = Shop::with(stack::dynamo(), 5, price).await;
            let fan = shop.fan().await;
            match shop.buy(fan, quantity, "key").await {
                Ok(_) => assert!(good, "{quantity} for {price}"),
                Err(fault) => {
                    assert!(!good, "{quantity} for {price}: {fault}");
                    assert_eq!(fault.code(), "AMOUNT_NOT_PAYABLE");
                    assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
                    assert_eq!(shop.kakaopay.orders(), 0);
                }
            }
        }
    });
}

#[test]
fn the_same_key_answers_the_payment_as_it_is_now() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 1, "key").await.unwrap();
        assert_eq!(shop.buy(fan, 1, "key").await.unwrap(), held);
        shop.agree(&held).await;
        let paid = Held { state: State::Approved, order: None, ..held };
        assert_eq!(shop.buy(fan, 1, "key").await.unwrap(), paid);
        assert_eq!(shop.after(HOLD).buy(fan, 1, "key").await.unwrap(), paid);
        assert_eq!((shop.stock().await, shop.kakaopay.orders()), ([4, 0, 1], 1));
        let other = shop.buy(fan, 2, "key").await.unwrap_err();
        assert_eq!(other.code(), "IDEMPOTENCY_KEY_REUSED");
    });
}

#[test]
fn the_same_key_answers_a_payment_that_is_over_without_pages_however_it_died() {
    stack::run(async {
        for (end, at_once) in [
            (State::Cancelled, true),
            (State::Failed, true),
            (State::Failed, false),
            (State::Expired, true),
            (State::Expired, false),
        ] {
            let shop = Shop::open(5).await;
            let fan = shop.fan().await;
            let held = shop.buy(fan, 1, "key").await.unwrap();
            let token = shop.payment(&held).await.return_token.0;
            let (store, id, now) = (&shop.store, held.payment_id, shop.now);
            let later = match (end, at_once) {
                (State::Cancelled, _) => call_off(store, id, &token, now).await.map(drop),
                (State::Failed, true) => {
                    shop.kakaopay.payer(&held.order.as_ref().unwrap().tid, "FAIL_PAYMENT");
                    shop.comes_back_unpaid(&held).await;
                    Ok(())
                }
                (State::Failed, false) => {
                    shop.kakaopay.trouble("approve", &[Refused]);
                    shop.agree(&held).await;
                    Ok(())
                }
                // Before anybody wrote that it ended, and after.
                (_, at_once) => {
                    let end = shop.after(HOLD);
                    if at_once {
                        end.expire(&held).await;
                    }
                    Ok(())
                }
            };
            later.unwrap();
            let now = if end == State::Expired { shop.after(HOLD) } else { shop.clone() };
            let dead = Held { state: end, order: None, ..held };
            for _ in 0..2 {
                assert_eq!(now.buy(fan, 1, "key").await.unwrap(), dead);
                assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0), "{end}");
            }
            assert_eq!(shop.kakaopay.orders(), 1, "nothing is bought anew");
        }
    });
}

#[test]
fn a_key_is_forgotten_after_a_day_and_then_buys_anew() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 1, "key").await.unwrap();
        shop.agree(&held).await;
        let remembered = shop.after(DAY - SECOND).buy(fan, 1, "key").await.unwrap();
        assert_eq!(remembered.payment_id, held.payment_id);
        let tomorrow = shop.after(DAY + SECOND);
        tomorrow.signs_in_again(fan).await;
        let another = tomorrow.buy(fan, 2, "key").await.unwrap();
        assert_ne!(another.payment_id, held.payment_id);
        assert_eq!(tomorrow.buy(fan, 2, "key").await.unwrap(), another, "and is remembered again");
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([2, 2, 1], 3));
    });
}

#[test]
fn the_last_seat_is_not_sold_out_to_the_one_who_holds_it() {
    stack::run(async {
        let shop = Shop::open(1).await;
        let (fan, late) = (shop.fan().await, shop.fan().await);
        let held = shop.buy(fan, 1, "key").await.unwrap();
        assert_eq!(shop.buy(late, 1, "key").await.unwrap_err().code(), "SOLD_OUT");
        assert_eq!(shop.buy(fan, 1, "key").await.unwrap(), held);
    });
}

#[test]
fn an_unpaid_hold_gives_everything_back_when_it_ends_and_only_once() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 3, "key").await.unwrap();

        let before = shop.after(HOLD - SECOND);
        assert_eq!(before.expire(&held).await, State::Ready, "the hold still lives");
        assert_eq!(shop.stock().await, [2, 3, 0]);

        let end = shop.after(HOLD);
        assert_eq!(
            shop.payment(&held).await.state_at(end.now),
            State::Expired,
            "before anybody wrote it"
        );
        for _ in 0..2 {
            assert_eq!(end.expire(&held).await, State::Expired);
            assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
        }
    });
}

#[test]
fn who_is_told_that_a_hold_has_ended_can_buy_its_seats_at_once() {
    stack::run(async {
        let shop = Shop::open(2).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 2, "key").await.unwrap();
        // The worker's message is late.
        for (shop, state) in
            [(shop.after(HOLD - SECOND), State::Ready), (shop.after(HOLD), State::Expired)]
        {
            let told = as_told(&shop.store, shop.payment(&held).await, shop.now).await.unwrap();
            assert_eq!(told.state, state);
        }
        let again = shop.after(HOLD).buy(fan, 2, "again").await.unwrap();
        assert_eq!(again.state, State::Ready);
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([0, 2, 0], 2));
    });
}

#[test]
fn coming_back_twice_takes_the_money_once() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 1, "key").await.unwrap();
        shop.kakaopay.payer(&held.order.as_ref().unwrap().tid, "AUTH_PASSWORD");

        let (one, two) = tokio::join!(shop.come_back(&held), shop.come_back(&held));

        let states = [one.state, two.state];
        assert!(states.contains(&State::Approved), "{states:?}");
        assert!(
            states.iter().all(|state| [State::Approving, State::Approved].contains(state)),
            "{states:?}"
        );
        assert_eq!(shop.come_back(&held).await.state, State::Approved);
        assert_eq!(shop.kakaopay.order(&held.order.unwrap().tid).approvals, 1);
        assert_eq!((shop.stock().await, shop.tickets(fan).await.len()), ([4, 0, 1], 1));
        assert_eq!(shop.points(fan).await, 150);
    });
}

#[test]
fn a_buyer_who_calls_it_off_gives_the_seats_back() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 1, "key").await.unwrap();
        let token = shop.payment(&held).await.return_token.0;

        let wrong = call_off(&shop.store, held.payment_id, "wrong", shop.now).await.unwrap_err();
        assert_eq!((wrong.code().name, shop.stock().await), ("PAYMENT_NOT_FOUND", [4, 1, 0]));

        for _ in 0..2 {
            let payment = call_off(&shop.store, held.payment_id, &token, shop.now).await.unwrap();
            assert_eq!(payment.state, State::Cancelled);
            assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
        }
        assert_eq!(shop.agree(&held).await.state, State::Cancelled, "and can't be paid any more");
        assert_eq!(shop.kakaopay.order(&held.order.unwrap().tid).approved, 0);
    });
}

#[test]
fn a_buyer_gives_an_unpaid_hold_up_and_the_seats_are_sold_at_once() {
    stack::run(async {
        let shop = Shop::open(1).await;
        let (fan, other) = (shop.fan().await, shop.fan().await);
        let held = shop.buy(fan, 1, "key").await.unwrap();
        assert_eq!(shop.buy(other, 1, "early").await.unwrap_err().code(), "SOLD_OUT");
        let (store, id) = (&shop.store, held.payment_id);

        let foreign = give_up(store, id, other.member_id, shop.now).await.unwrap_err();
        assert_eq!((foreign.code().name, shop.stock().await), ("PAYMENT_NOT_FOUND", [0, 1, 0]));

        for _ in 0..2 {
            let payment = give_up(store, id, fan.member_id, shop.now).await.unwrap();
            assert_eq!(payment.state, State::Cancelled);
            assert_eq!((shop.stock().await, shop.bought(fan).await), ([1, 0, 0], 0));
        }
        shop.buy(other, 1, "key").await.unwrap();
        assert_eq!(shop.agree(&held).await.state, State::Cancelled, "and can't be paid any more");
        assert_eq!(shop.kakaopay.order(&held.order.unwrap().tid).approved, 0);
    });
}

#[test]
fn what_ended_unpaid_is_given_up_already() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        let (expired, failed) = (shop.buy(fan, 1, "a").await, shop.buy(fan, 1, "b").await);
        let (expired, failed) = (expired.unwrap(), failed.unwrap());
        shop.kakaopay.trouble("approve", &[Refused]);
        shop.agree(&failed).await;
        let late = shop.after(HOLD);
        late.expire(&expired).await;
        for (held, state) in [(expired, State::Expired), (failed, State::Failed)] {
            let payment = give_up(&shop.store, held.payment_id, fan.member_id, late.now).await;
            assert_eq!(payment.unwrap().state, state);
        }
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
    });
}

#[test]
fn what_is_being_approved_is_not_given_up() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 1, "key").await.unwrap();
        shop.kakaopay.trouble("approve", &[LostBefore]);
        assert_eq!(shop.agree(&held).await.state, State::Approving);
        let given_up = give_up(&shop.store, held.payment_id, fan.member_id, shop.now).await;
        assert_eq!(given_up.unwrap_err().code(), "ALREADY_PAID");
        assert_eq!(shop.stock().await, [4, 1, 0]);
    });
}

#[test]
fn an_address_that_somebody_follows_ends_no_purchase_that_its_buyer_is_about_to_pay() {
    stack::run(async {
        for status in ["READY", "OPEN_PAYMENT", "SELECT_METHOD", "AUTH_PASSWORD", "SOMETHING_NEW"] {
            let shop = Shop::open(5).await;
            let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
            shop.kakaopay.payer(&held.order.as_ref().unwrap().tid, status);
            assert_eq!(shop.comes_back_unpaid(&held).await.state, State::Ready, "{status}");
            assert_eq!(shop.agree(&held).await.state, State::Approved, "{status}");
            assert_eq!(shop.comes_back_unpaid(&held).await.state, State::Approved, "{status}");
        }
        // While KakaoPay does not say, nothing is ended; what nobody knows of an order says nothing either.
        let shop = Shop::open(5).await;
        let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        shop.kakaopay.trouble("order", &[LostBefore; 2]);
        shop.kakaopay.payer(&held.order.as_ref().unwrap().tid, "QUIT_PAYMENT");
        assert_eq!(shop.comes_back_unpaid(&held).await.state, State::Ready);
        let (store, id) = (&shop.store, held.payment_id);
        let client = &shop.kakaopay.client;
        let wrong = come_back_unpaid(store, client, id, "wrong", shop.now).await.unwrap_err();
        assert_eq!((wrong.code().name, shop.stock().await), ("PAYMENT_NOT_FOUND", [4, 1, 0]));
        assert_eq!(shop.after(HOLD).comes_back_unpaid(&held).await.state, State::Expired);
    });
}

#[test]
fn who_comes_back_unpaid_gives_the_seats_back_when_kakaopay_says_that_it_is_over() {
    stack::run(async {
        for (status, state) in [
            ("QUIT_PAYMENT", State::Cancelled),
            ("CANCEL_PAYMENT", State::Cancelled),
            ("FAIL_PAYMENT", State::Failed),
            ("FAIL_AUTH_PASSWORD", State::Failed),
        ] {
            let shop = Shop::open(5).await;
            let fan = shop.fan().await;
            let held = shop.buy(fan, 1, "key").await.unwrap();
            shop.kakaopay.payer(&held.order.as_ref().unwrap().tid, status);
            for _ in 0..2 {
                assert_eq!(shop.comes_back_unpaid(&held).await.state, state, "{status}");
                assert_eq!((shop.stock().await, shop.bought(fan).await), ([5, 0, 0], 0));
            }
        }
    });
}

#[test]
fn a_sold_payment_can_be_neither_cancelled_nor_expired() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        let token = shop.agree(&held).await.return_token.0;
        let payment = call_off(&shop.store, held.payment_id, &token, shop.now).await.unwrap();
        assert_eq!(payment.state, State::Approved);
        let given_up = give_up(&shop.store, held.payment_id, payment.member_id, shop.now).await;
        assert_eq!(given_up.unwrap_err().code(), "ALREADY_PAID");
        assert_eq!(shop.after(HOLD).expire(&held).await, State::Approved);
        assert_eq!(shop.stock().await, [4, 0, 1]);
    });
}

#[test]
fn who_comes_back_too_late_gets_the_seats_if_there_are_some() {
    stack::run(async {
        let shop = Shop::open(2).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 2, "key").await.unwrap();
        let late = shop.after(HOLD);

        assert_eq!(late.agree(&held).await.state, State::Approved);

        assert_eq!((shop.stock().await, shop.bought(fan).await), ([0, 0, 2], 2));
        assert_eq!(shop.tickets(fan).await.len(), 2);
    });
}

#[test]
fn who_comes_back_too_late_for_the_seats_is_not_charged() {
    stack::run(async {
        let shop = Shop::open(2).await;
        let (fan, other) = (shop.fan().await, shop.fan().await);
        let held = shop.buy(fan, 2, "key").await.unwrap();
        let late = shop.after(HOLD);
        late.expire(&held).await;
        late.buy(other, 1, "key").await.unwrap();

        assert_eq!(late.agree(&held).await.state, State::Expired);

        assert_eq!(shop.kakaopay.order(&held.order.unwrap().tid).approved, 0);
        assert_eq!((shop.stock().await, shop.bought(fan).await), ([1, 1, 0], 0));
    });
}

#[test]
fn who_comes_back_too_late_is_not_charged_on_other_terms_than_were_shown() {
    stack::run(async {
        let shop = Shop::open(2).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 1, "key").await.unwrap();
        let late = shop.after(HOLD);
        let on_sale = OnSaleKey(shop.event.id);
        let shard = StockKey { event_id: shop.event.id, number: 0 };
        let dearer = [
            Write::update(&shard).set("termsVersion", 2).set("price", 50_000),
            Write::update(&on_sale).set("termsVersion", 2).set("price", 50_000),
        ];
        // What is read of the event may be a second old: the shard alone tells, too.
        for change in dearer {
            shop.store.write(change, ()).await.unwrap();
            assert_eq!(late.agree(&held).await.state, State::Expired);
            assert_eq!((shop.stock().await, shop.bought(fan).await), ([2, 0, 0], 0));
        }
        assert_eq!(shop.kakaopay.order(&held.order.unwrap().tid).approved, 0);
    });
}

#[test]
fn an_event_that_the_release_before_published_is_sold_too() {
    stack::run(async {
        let shop = Shop::open(2).await;
        shop.store.write(Write::delete(&OnSaleKey(shop.event.id)), ()).await.unwrap();
        let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        assert_eq!(shop.after(HOLD).agree(&held).await.state, State::Approved);
        let gone = Write::update(&EventKey(shop.event.id)).set("deletedAt", shop.now.millis());
        shop.store.write(gone, ()).await.unwrap();
        let late = shop.buy(shop.fan().await, 1, "key").await.unwrap_err();
        assert_eq!(late.code(), "EVENT_NOT_FOUND");
    });
}

#[test]
fn a_session_that_has_ended_buys_nothing() {
    stack::run(async {
        let shop = Shop::open(2).await;
        let fan = shop.fan().await;
        let tomorrow = shop.after(DAY + SECOND);
        assert_eq!(tomorrow.buy(fan, 1, "key").await.unwrap_err().code(), "SESSION_ENDED");
        assert_eq!(shop.stock().await, [2, 0, 0]);
    });
}

#[test]
fn a_buyer_who_tries_too_often_waits() {
    stack::run(async {
        let shop = Shop { now: Time::from_millis(1_800_000_000_000), ..Shop::open(2).await };
        let fan = shop.fan().await;
        // No such sale then: what is counted are attempts.
        for _ in 0..BY_MEMBER.limit {
            drop(shop.buy(fan, 1, "key").await);
        }
        let refused = shop.buy(fan, 1, "key").await.unwrap_err();
        assert_eq!(
            (refused.code().name, refused.retry_after()),
            ("TOO_MANY_REQUESTS", Some(Duration::from_secs(60)))
        );
    });
}

#[test]
fn those_behind_one_address_who_try_too_often_wait_and_nobody_else() {
    stack::run(async {
        let now = Time::from_millis(1_800_000_060_000);
        let shop = Shop { now, ..Shop::open(2).await };
        let (fan, other) = (shop.fan().await, shop.fan().await);
        let behind = rate::address(&fan.member_id.to_string());
        for _ in 0..FROM_ADDRESS.limit {
            shop.store.count(FROM_ADDRESS, &behind, now).await.unwrap();
        }
        let refused = shop.buy(fan, 1, "key").await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.retry_after()),
            (store::codes::TOO_MANY_REQUESTS, Some(Duration::from_secs(60)))
        );
        // No such sale then, but that is another refusal.
        assert_eq!(shop.buy(other, 1, "key").await.unwrap_err().code(), "SALE_ENDED");
    });
}

#[test]
fn who_asks_again_with_the_same_key_is_answered_however_often() {
    stack::run(async {
        let shop = Shop::open(5).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 1, "key").await.unwrap();
        for _ in 0..BY_MEMBER.limit {
            assert_eq!(shop.buy(fan, 1, "key").await.unwrap(), held);
            assert_eq!(shop.buy(fan, 2, "key").await.unwrap_err().code(), "IDEMPOTENCY_KEY_REUSED");
        }
    });
}

#[test]
fn a_members_payments_are_listed_newest_first_page_by_page() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let mut made = Vec::new();
        for key in ["a", "b", "c"] {
            made.push(shop.buy(fan, 1, key).await.unwrap().payment_id);
            // Ids of one millisecond are in no order.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let first = shop.store.payments_of(fan.member_id, 2, None).await.unwrap();
        let second = shop.store.payments_of(fan.member_id, 2, first.next.clone()).await.unwrap();
        let listed: Vec<_> =
            first.items.iter().chain(&second.items).map(|payment| payment.id).collect();
        made.reverse();
        assert_eq!(listed, made);
        assert!(first.next.is_some() && second.next.is_none());
    });
}

#[test]
fn a_payment_with_attributes_of_a_newer_version_keeps_them() {
    stack::run(async {
        let shop = Shop::open(2).await;
        let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
        let key = PaymentKey(held.payment_id);
        shop.store.write(Write::update(&key).set("fromTheFuture", "x"), ()).await.unwrap();
        assert_eq!(shop.agree(&held).await.state, State::Approved);
        let kept =
            Write::update(&key).remove("fromTheFuture").when("fromTheFuture", Compare::Equal, "x");
        shop.store.write(kept, ()).await.unwrap();
    });
}

/// Every page of every shard of an event.
async fn everything<T>(read: impl AsyncFn(u8, Option<Start>) -> Page<T>) -> Vec<T> {
    let mut found = Vec::new();
    for shard in 0..by_event::SHARDS {
        let mut page = read(shard, None).await;
        found.append(&mut page.items);
        while let Some(start) = page.next {
            page = read(shard, Some(start)).await;
            found.append(&mut page.items);
        }
    }
    found
}

#[test]
fn an_events_payments_and_tickets_are_found_over_its_shards_page_by_page() {
    stack::run(async {
        let (shop, other) = (Shop::open(99).await, Shop::open(99).await);
        let mut bought = Vec::new();
        for _ in 0..12 {
            let fan = shop.fan().await;
            let held = [shop.buy(fan, 2, "a").await.unwrap(), shop.buy(fan, 1, "b").await.unwrap()];
            shop.agree(&held[0]).await;
            other.buy(fan, 1, "c").await.unwrap();
            bought.push((fan, held));
        }
        let (store, event) = (&shop.store, shop.event.id);
        let payments = everything(async |shard, start| {
            store.payments_of_event(event, shard, 2, start).await.unwrap()
        });
        let tickets = everything(async |shard, start| {
            store.tickets_of_event(event, shard, 2, start).await.unwrap()
        });
        let (payments, tickets) = (payments.await, tickets.await);
        assert_eq!((payments.len(), tickets.len()), (24, 24), "each once, and no other event's");
        for (fan, held) in bought {
            for held in held {
                assert!(payments.contains(&shop.payment(&held).await), "as it is now");
            }
            let own = |ticket: &Ticket| ticket.member_id == fan.member_id;
            let first = tickets.iter().position(own).unwrap();
            assert!(tickets[first..first + 2].iter().all(own), "a member's stand together");
            assert!(shop.tickets(fan).await.iter().all(|ticket| tickets.contains(ticket)));
        }
    });
}
