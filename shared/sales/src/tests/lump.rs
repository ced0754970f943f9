//! What is paid for no tickets: what an artist is given, and points.

use domain::{
    fault::Fault,
    id::MemberId,
    language::Language,
    member::Role,
    payment::{LumpSum, State},
    points::Account,
    refund::Rule,
    sponsorship,
};
use store::{
    Client, Store, Write,
    identity::member::MemberKey,
    sales::{
        payment::{Payment, Subject},
        sponsorship::{Sponsorship, SponsorshipKey},
    },
};

use super::{
    kakaopay::Trouble::{LostAfter, LostBefore, Refused, WrongAmount},
    shop::{Fan, HOLD, PRICE, Shop},
    trouble::MINUTE,
};
use crate::{Held, Purchase, SalesFault, Wants, hold, is_there};

const AMOUNT: u64 = 10_000;

fn amount() -> LumpSum {
    (AMOUNT as i64).try_into().unwrap()
}

impl Shop {
    async fn wants(&self, fan: Fan, wants: Wants, key: &str) -> Result<Held, SalesFault> {
        let purchase = Purchase {
            buyer: stack::caller(&fan.claims()),
            address: fan.member_id.to_string(),
            wants,
            language: Language::Korean,
            key: key.into(),
            body_hash: "hash".into(),
        };
        hold(&self.store, &self.kakaopay.client, &Self::terms(), &purchase, self.now).await
    }

    /// The fan buys points at KakaoPay.
    pub(super) async fn buys_points(&self, fan: Fan, key: &str) -> Held {
        let held = self.wants(fan, Wants::Points(amount()), key).await.unwrap();
        assert_eq!(self.agree(&held).await.state, State::Approved);
        held
    }

    pub(super) async fn sponsors(&self, fan: Fan, artist_id: MemberId) -> Result<Held, SalesFault> {
        let message = Some("고마워요".to_owned().try_into().unwrap());
        self.wants(fan, Wants::Sponsorship { artist_id, amount: amount(), message }, "gift").await
    }

    pub(super) async fn artist(&self) -> MemberId {
        stack::sign_in(&self.store, Role::Artist, self.now).await.member_id
    }

    pub(super) async fn given(&self, artist: MemberId) -> Vec<Sponsorship> {
        let page = self.store.sponsorships_of(artist, 100, None).await.unwrap();
        page.items.into_iter().map(|(given, _)| given).collect()
    }
}

#[test]
fn points_that_are_bought_are_there_once_they_are_paid_and_earn_none() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let held = shop.wants(fan, Wants::Points(amount()), "key").await.unwrap();
        assert_eq!((held.state, held.amounts.cash.get()), (State::Ready, AMOUNT));
        assert_eq!(shop.purse(fan).await, (0, 0));
        let again = shop.wants(fan, Wants::Points(amount()), "key").await.unwrap();
        assert_eq!(again, held, "the same key");
        for _ in 0..2 {
            assert_eq!(shop.agree(&held).await.state, State::Approved);
            assert_eq!(shop.purse(fan).await, (AMOUNT, AMOUNT));
        }
        assert_eq!(shop.sum(Account::Member(fan.member_id)).await, i128::from(AMOUNT));
        shop.buy_with(fan, 1, "spends", None, AMOUNT).await.unwrap();
        assert_eq!(shop.purse(fan).await, (0, 0));
    });
}

#[test]
fn points_that_are_bought_go_back_for_money_while_all_of_them_are_there() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let (first, second) =
            (shop.buys_points(fan, "first").await, shop.buys_points(fan, "second").await);
        // One of the two is still whole.
        let spends = shop.buy_with(fan, 1, "spends", None, AMOUNT).await.unwrap();
        is_there(&shop.store, &shop.payment(&first).await).await.unwrap();
        let payment = shop.refunds(&first, Vec::new(), Some(AMOUNT)).await.unwrap();
        assert_eq!((payment.state, payment.refunded.cash.get()), (State::Refunded, AMOUNT));
        assert_eq!(payment.refunds[0].rule, Rule::Unused);
        assert_eq!((shop.purse(fan).await, shop.kept_of(&first)), ((0, 0), 0));

        let spent = shop.refunds(&second, Vec::new(), None).await.unwrap_err();
        assert_eq!(spent.code(), "POINTS_SPENT");
        let spent = is_there(&shop.store, &shop.payment(&second).await).await.unwrap_err();
        assert_eq!(spent.code(), "POINTS_SPENT");
        assert_eq!(
            shop.refunds(&first, Vec::new(), None).await.unwrap_err().code().name,
            "NOT_REFUNDABLE"
        );
        // What was spent comes back, and with it what goes back for money.
        shop.after(HOLD).expire(&spends).await;
        shop.refunds(&second, Vec::new(), None).await.unwrap();
        assert_eq!((shop.purse(fan).await, shop.kept_of(&second)), ((0, 0), 0));
        assert_eq!(shop.sum(Account::Member(fan.member_id)).await, 0);
    });
}

#[test]
fn bought_points_that_are_looked_into_are_not_had_for_money_until_they_are_found_right() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let top_up = shop.buys_points(fan, "points").await;
        shop.review(fan, true).await;
        let told = is_there(&shop.store, &shop.payment(&top_up).await).await.unwrap_err();
        assert_eq!(told.code(), "POINTS_UNDER_REVIEW");
        let refused = shop.refunds(&top_up, Vec::new(), Some(AMOUNT)).await.unwrap_err();
        assert_eq!(refused.code(), "POINTS_UNDER_REVIEW");
        assert_eq!((shop.purse(fan).await, shop.kept_of(&top_up)), ((AMOUNT, AMOUNT), AMOUNT));
        // More of them are bought meanwhile.
        shop.buys_points(fan, "more").await;
        shop.review(fan, false).await;
        shop.refunds(&top_up, Vec::new(), Some(AMOUNT)).await.unwrap();
        assert_eq!((shop.purse(fan).await, shop.kept_of(&top_up)), ((AMOUNT, AMOUNT), 0));
    });
}

#[test]
fn what_was_earned_is_never_had_for_money() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let top_up = shop.buys_points(fan, "points").await;
        let spends = shop.buy_with(fan, 1, "spends", None, AMOUNT).await.unwrap();
        shop.agree(&spends).await;
        let earned = (PRICE as u64 - AMOUNT) / 200;
        assert_eq!(shop.purse(fan).await, (earned, 0));
        assert_eq!(
            shop.refunds(&top_up, Vec::new(), None).await.unwrap_err().code().name,
            "POINTS_SPENT"
        );
    });
}

/// Bought points are spent while they go back: whether both were done.
async fn spent_while_they_go_back(client: Client) -> bool {
    let shop = Shop::within(Store::new(client, stack::prefix()), 9, PRICE).await;
    let fan = shop.fan().await;
    let top_up = shop.buys_points(fan, "points").await;
    let (spent, back) = tokio::join!(
        shop.buy_with(fan, 1, "spends", None, AMOUNT),
        shop.refunds(&top_up, Vec::new(), None),
    );
    spent.is_ok() && back.is_ok()
}

#[test]
fn bought_points_are_spent_or_go_back_and_never_both() {
    stack::run(async {
        for _ in 0..5 {
            assert!(!spent_while_they_go_back(stack::dynamo()).await);
        }
    });
}

#[test]
fn without_the_conditions_on_the_balance_they_do_both() {
    stack::run(async {
        let careless = || stack::without_all(&["balance", "bought"]);
        let happens = async || spent_while_they_go_back(careless()).await;
        assert!(stack::happens(happens).await, "the conditions make no difference");
    });
}

#[test]
fn what_an_artist_is_given_is_theirs_to_see_once_it_is_paid() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let (fan, artist) = (shop.fan().await, shop.artist().await);
        let held = shop.sponsors(fan, artist).await.unwrap();
        assert_eq!(shop.given(artist).await, []);
        assert_eq!(shop.agree(&held).await.state, State::Approved);
        let given = shop.given(artist).await;
        assert_eq!(given.len(), 1);
        assert_eq!((given[0].member_id, given[0].amount.get()), (fan.member_id, AMOUNT));
        assert_eq!(given[0].message.as_ref().unwrap().as_str(), "고마워요");
        assert_eq!(given[0].state, sponsorship::State::Given);
        // It buys no ticket, and earns nothing.
        assert_eq!((shop.purse(fan).await, shop.stock().await), ((0, 0), [9, 0, 0]));

        let payment = shop.refunds(&held, Vec::new(), Some(AMOUNT)).await.unwrap();
        assert_eq!((payment.state, payment.refunds[0].rule), (State::Refunded, Rule::NotSettled));
        assert_eq!(shop.kept_of(&held), 0);
        assert_eq!(shop.given(artist).await[0].state, sponsorship::State::Returned);
    });
}

#[test]
fn what_was_paid_out_to_an_artist_does_not_go_back() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let (fan, artist_id) = (shop.fan().await, shop.artist().await);
        let held = shop.sponsors(fan, artist_id).await.unwrap();
        let payment: Payment = shop.agree(&held).await;
        let Subject::Sponsorship(gift) = &payment.subject else { panic!("{payment:?}") };
        let settled = Write::update(&SponsorshipKey::of(&payment, gift))
            .set("state", sponsorship::State::Settled);
        shop.store.write(settled, ()).await.unwrap();
        for refused in [
            shop.refunds(&held, Vec::new(), None).await.unwrap_err(),
            is_there(&shop.store, &payment).await.unwrap_err(),
        ] {
            assert_eq!(refused.code(), "SPONSORSHIP_SETTLED");
        }
        assert_eq!(
            (shop.payment(&held).await.state, shop.kept_of(&held)),
            (State::Approved, AMOUNT)
        );
    });
}

#[test]
fn only_another_who_is_an_artist_is_given_anything() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        for (artist, code) in [
            (fan.member_id, "SPONSORS_ONESELF"),
            (shop.fan().await.member_id, "ARTIST_NOT_FOUND"),
            (MemberId::generate(), "ARTIST_NOT_FOUND"),
        ] {
            assert_eq!(shop.sponsors(fan, artist).await.unwrap_err().code(), code);
        }
        assert_eq!(shop.kakaopay.orders(), 0);
    });
}

#[test]
fn whatever_is_wrong_at_kakaopay_points_are_there_if_and_only_if_they_are_paid() {
    stack::run(async {
        for (trouble, state, has) in [
            (LostBefore, State::Approved, AMOUNT),
            (LostAfter, State::Approved, AMOUNT),
            (WrongAmount, State::Refunded, 0),
            (Refused, State::Failed, 0),
        ] {
            let shop = Shop::open(9).await;
            let fan = shop.fan().await;
            let held = shop.wants(fan, Wants::Points(amount()), "key").await.unwrap();
            shop.kakaopay.trouble("approve", &[trouble]);
            shop.agree(&held).await;
            let payment = shop.after(MINUTE).reconcile(&held).await;
            assert_eq!(payment.state, state, "{trouble:?}");
            assert_eq!((shop.purse(fan).await, shop.kept_of(&held)), ((has, has), has));
        }
    });
}

#[test]
fn who_pays_for_points_too_late_has_them_all_the_same() {
    stack::run(async {
        let shop = Shop::open(9).await;
        let fan = shop.fan().await;
        let held = shop.wants(fan, Wants::Points(amount()), "key").await.unwrap();
        let late = shop.after(HOLD);
        assert_eq!(late.expire(&held).await, State::Expired);
        assert_eq!(late.agree(&held).await.state, State::Approved);
        assert_eq!(shop.purse(fan).await, (AMOUNT, AMOUNT));
    });
}

#[test]
fn nobody_is_charged_for_an_artist_who_left_while_they_were_at_kakaopay() {
    stack::run(async {
        for late in [false, true] {
            let shop = Shop::open(9).await;
            let (fan, artist) = (shop.fan().await, shop.artist().await);
            let held = shop.sponsors(fan, artist).await.unwrap();
            shop.store.write(Write::delete(&MemberKey(artist)), ()).await.unwrap();
            let (end, state) =
                if late { (HOLD, State::Expired) } else { (MINUTE, State::Cancelled) };
            let payment = shop.after(end).agree(&held).await;
            assert_eq!((payment.state, shop.kept_of(&held)), (state, 0));
            assert_eq!(shop.given(artist).await, []);
        }
    });
}
