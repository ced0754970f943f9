//! `DELETE /v1/me`: leaves for good.

use api::{Answer, Call, FieldFaults, Param, Problem, Query};
use deserr::Deserr;
use domain::{
    fault::{Code, Fault},
    won::Won,
};
use gateways::Queue;
use store::{
    Transaction,
    identity::{member::NotChanged, session::SignedIn},
    inbox::mail::{About, Mail},
    sales::points::{BalanceKey, forfeit},
};
use utoipa::IntoParams;

use crate::{
    by_mail::{self, ANNOUNCED, do_and_tell},
    codes,
    erase_member::{AFTER_MAIL, Erase},
    limits,
};

/// What the caller knows to lose.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct DeleteMe {
    /// The points that are lost with the account: all there are, as `GET /v1/me/points` says.
    #[deserr(default = Param(Won::ZERO))]
    #[param(inline, value_type = Option<Won>)]
    forfeited_points: Param<Won>,
}

/// Deletes one's own account
///
/// All sessions end, and address, phone number and linked identities are free at once; all else that is personal is erased within
/// minutes, and a last mail says so. Refused, in this order, while there are tickets of events that are not over
/// (`LIVE_TICKETS`), own events that are not (`RUNNING_EVENTS`), or payments that are under way and sales that are not settled
/// (`UNSETTLED_MONEY`). What points are left are lost: `forfeitedPoints` says that the caller knows how many
/// (`POINTS_NOT_CONFIRMED`).
#[utoipa::path(delete, path = "/v1/me", params(DeleteMe),
    responses((status = 204, description = "The account is gone")),
    security(("bearer" = [])),
)]
pub async fn handle(
    (clients, erasures): (by_mail::Clients, Queue<Erase>),
    call: Call<SignedIn, Query<DeleteMe>>,
) -> Result<Answer<()>, Problem> {
    let Call { who, input: Query(DeleteMe { forfeited_points }), context } = call;
    let (store, now) = (&clients.0, context.now);
    let (session, balance) = store.read_for(&who, BalanceKey::of(&who), now).await?;
    let member = session.member;
    store.count(limits::LEAVE, &member.id.to_string(), now).await?;
    store.may_leave(member.id, now).await?;
    let balance = balance.unwrap_or_default().balance;
    if balance != forfeited_points.0 {
        return Err(Problem::new(codes::POINTS_NOT_CONFIRMED));
    }
    let mail = Mail::new(member.id, About::AccountDeleted, context.language, now);
    let leaving = member.becoming(&member.leaving(mail.id, now)).map(NotLeft::from);
    let (transfer, taking) = forfeit(member.id, balance, now);
    let leaving = leaving.require(taking, NotLeft::OtherBalance);
    let leaving = transfer.into_iter().fold(leaving, Transaction::also);
    erasures.send(&Erase::beginning(member.id), ANNOUNCED + AFTER_MAIL).await?;
    // It is written for who has no address, too: it is all that says who left, should a table be restored.
    do_and_tell(&clients, leaving, &mail).await?;
    Ok(Answer::nothing())
}

/// Why a member is still there.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum NotLeft {
    #[error(transparent)]
    NotChanged(#[from] NotChanged),
    /// They earned or spent some meanwhile.
    #[error("the balance is not what was confirmed")]
    OtherBalance,
}

impl Fault for NotLeft {
    fn code(&self) -> Code {
        match self {
            Self::NotChanged(fault) => fault.code(),
            Self::OtherBalance => codes::POINTS_NOT_CONFIRMED,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{
        id::{MemberId, PaymentId, TicketId},
        member::Role,
        payment::{State, amounts},
        points::Account,
        time::Time,
    };
    use serde_json::{Value, json};
    use store::{
        Store, Write,
        catalog::{event::Event, on_sale::OnSale},
        identity::{member::MemberKey, session::SessionKey},
        inbox::mail::MailState,
        sales::{
            payment::{Booking, Order, Payment, Secret},
            points::earn,
            stock,
            ticket::Ticket,
        },
    };

    use super::*;
    use crate::testing::{
        PASSWORD, Seen, fresh_email, fresh_phone, is_alive, mailing, queue_of, request_of, sign_in,
        sign_up, sign_up_body, signed_in, store, stored,
    };

    async fn leave_by(store: Store, key: SessionKey, points: u64) -> Seen {
        let call = request_of(key, Time::now());
        let input = Query(DeleteMe { forfeited_points: Param(Won::new(points)) });
        let clients = (mailing(store).await, queue_of().await);
        Seen::of(handle(clients, Call { who: call.who, input, context: call.context }).await)
    }

    async fn leave(key: SessionKey, points: u64) -> Seen {
        leave_by(store(), key, points).await
    }

    /// Writes these.
    async fn written(writes: impl IntoIterator<Item = Write>) {
        let writing = writes.into_iter().fold(Transaction::<()>::new(), Transaction::also);
        store().transact(writing).await.unwrap();
    }

    /// An event of an artist that is over.
    fn over(artist: MemberId, now: Time) -> Event {
        Event { artist_id: artist, ..stack::event_over(&stack::member(Role::Artist, now), now) }
    }

    async fn published(event: &Event) {
        let stock = stock::create(event.id, event.capacity, event.sale());
        written(event.create().into_iter().chain(stock)).await;
    }

    /// A payment of an event by a member that waits for them to pay.
    fn hold(event: &Event, member: MemberId, now: Time) -> Payment {
        let (one, token) = (1.try_into().unwrap(), Secret("token".into()));
        let amounts = amounts(event.price, one, None, Won::ZERO).unwrap();
        let ends = now.plus(Duration::from_mins(15));
        let booking = Booking::of(&OnSale::from(event), one).into();
        Payment::reserved(member, booking, amounts, ends, token, now)
    }

    /// A ticket of an event that a member bought.
    fn ticket(event: &Event, member: MemberId, now: Time) -> Ticket {
        let payment = hold(event, member, now);
        Ticket::of(&payment, payment.booking().unwrap(), TicketId::generate(), now)
    }

    #[test]
    fn who_leaves_is_nobody_at_once_and_their_address_and_number_are_free() {
        stack::run(async {
            let (email, phone) = (fresh_email(), fresh_phone());
            let mut body = sign_up_body(&email);
            body["phone"] = phone.into();
            sign_up(body.clone()).await;
            let here = sign_in(&email, PASSWORD).await.refresh_token().key();
            let there = sign_in(&email, PASSWORD).await.refresh_token().key();
            let other = signed_in().await.key();
            assert_eq!(leave(here, 0).await.told(), (204, ""));
            assert!(!is_alive(here).await && !is_alive(there).await && is_alive(other).await);
            assert_eq!(leave(here, 0).await.told(), (401, "SESSION_ENDED"));
            assert_eq!(sign_in(&email, PASSWORD).await.told(), (401, "WRONG_EMAIL_OR_PASSWORD"));
            let left = store().get(&MemberKey(here.member_id)).await.unwrap().unwrap();
            let of_them = serde_json::to_string(&left).unwrap();
            for gone in ["미나", "010-", "passwordHash", "declaredOfAgeAt"] {
                assert!(!of_them.contains(gone), "{gone} in {of_them}");
            }
            // As somebody else.
            assert_eq!(sign_up(body).await.status, 200);
            assert_ne!(stored(&email).await.unwrap().id, here.member_id);
        });
    }

    #[test]
    fn what_keeps_a_member_is_told_in_order_and_whatever_is_refused_changes_nothing() {
        stack::run(async {
            let now = Time::now();
            let key = signed_in().await.key();
            let (id, stranger) = (key.member_id, MemberId::generate());
            let before = store().get(&MemberKey(id)).await.unwrap();
            written(earn(id, PaymentId::generate(), Won::new(70), now)).await;
            assert_eq!(leave(key, 0).await.told(), (409, "POINTS_NOT_CONFIRMED"));
            assert_eq!(leave(key, 71).await.told(), (409, "POINTS_NOT_CONFIRMED"));

            // Others' tickets and payments of others' events say nothing, nor does what is over.
            let (show, past) = (stack::event(10, now), over(stranger, now));
            let theirs = ticket(&show, stranger, now);
            let used = ticket(&past, id, now);
            written([theirs.create(), used.create()]).await;
            assert_eq!(leave(key, 0).await.told(), (409, "POINTS_NOT_CONFIRMED"));

            written([hold(&show, id, now).create()]).await;
            assert_eq!(leave(key, 70).await.told(), (409, "UNSETTLED_MONEY"));
            published(&Event { artist_id: id, ..stack::event(10, now) }).await;
            assert_eq!(leave(key, 70).await.told(), (409, "RUNNING_EVENTS"));
            let ticket = ticket(&show, id, now);
            written([ticket.create()]).await;
            assert_eq!(leave(key, 70).await.told(), (409, "LIVE_TICKETS"));
            assert!(is_alive(key).await);
            assert_eq!(store().get(&MemberKey(id)).await.unwrap(), before);
        });
    }

    #[test]
    fn an_artist_stays_until_what_was_sold_is_settled() {
        stack::run(async {
            let now = Time::now();
            let key = signed_in().await.key();
            let (unsold, sold) = (over(key.member_id, now), over(key.member_id, now));
            published(&unsold).await;
            published(&sold).await;
            let free = Event { price: 0.try_into().unwrap(), ..over(key.member_id, now) };
            published(&free).await;
            let shard = |event: &Event| stock::keys(event.id, 1).remove(0);
            // A hold of the last minute may be paid when the show is over.
            for what in ["sold", "held"] {
                let moving = |number: i64| {
                    Write::update(&shard(&sold)).add(what, number).add("free", -number)
                };
                written([moving(2)]).await;
                assert_eq!(leave(key, 0).await.told(), (409, "UNSETTLED_MONEY"), "{what}");
                written([moving(-2)]).await;
            }
            written([Write::update(&shard(&free)).add("sold", 2).add("free", -2)]).await;
            assert_eq!(leave(key, 0).await.told(), (204, ""), "nobody paid for it");
        });
    }

    #[test]
    fn who_may_still_pay_or_be_paid_back_stays_as_long() {
        stack::run(async {
            let now = Time::now();
            let minutes = |minutes: u64| Duration::from_mins(minutes);
            let order = || {
                let page = || "https://online-pay.kakaopay.com".to_owned();
                Some(Order { tid: "T1".into(), pc: page(), mobile: page(), app: page() })
            };
            for (state, order, ended, due, stays) in [
                (State::Reserved, None, minutes(1), None, true),
                (State::Expired, None, minutes(1), None, false),
                // Whoever comes late may have seats that are still there, until KakaoPay closes its order.
                (State::Expired, order(), minutes(29), None, true),
                (State::Expired, order(), minutes(31), None, false),
                (State::Failed, order(), minutes(1), Some(now), true),
                (State::Failed, order(), minutes(1), None, false),
                (State::Refunding, order(), minutes(60), None, true),
                (State::Unknown, order(), minutes(60), None, true),
                (State::Cancelled, order(), minutes(1), None, false),
                (State::Refunded, order(), minutes(1), None, false),
            ] {
                let key = signed_in().await.key();
                let mut held = hold(&over(MemberId::generate(), now), key.member_id, now);
                (held.state, held.order, held.due_at) = (state, order, due);
                held.hold_ends_at = now.minus(ended);
                written([held.create()]).await;
                let expected = if stays { (409, "UNSETTLED_MONEY") } else { (204, "") };
                assert_eq!(leave(key, 0).await.told(), expected, "{state} {ended:?}");
            }
        });
    }

    #[test]
    fn points_that_were_confirmed_are_the_shops_and_no_others() {
        stack::run(async {
            let now = Time::now();
            let key = signed_in().await.key();
            let id = key.member_id;
            written(earn(id, PaymentId::generate(), Won::new(70), now)).await;
            let shop = store().sum_of(Account::Platform).await.unwrap().posted;
            // Whatever was earned since the balance was read is not lost unseen.
            for read in [60, 0] {
                let (_, taking) = forfeit(id, Won::new(read), now);
                let losing = Transaction::new().require(taking, NotLeft::OtherBalance);
                let refused = Problem::from(store().transact(losing).await.unwrap_err());
                assert_eq!(refused.code(), "POINTS_NOT_CONFIRMED");
            }
            assert_eq!(leave(key, 70).await.told(), (204, ""));
            let of_member = store().sum_of(Account::Member(id)).await.unwrap().posted;
            let balance = store().get(&BalanceKey(id)).await.unwrap().unwrap_or_default().balance;
            assert_eq!((of_member, balance), (0, Won::ZERO));
            assert!(store().sum_of(Account::Platform).await.unwrap().posted >= shop + 70);
        });
    }

    #[test]
    fn a_lost_answer_leaves_once() {
        stack::run(async {
            let key = signed_in().await.key();
            let losing = Store::new(stack::losing("TransactWriteItems", 1), stack::prefix());
            assert_eq!(leave_by(losing, key, 0).await.told(), (204, ""));
            let items = stack::items(&format!("{}-inbox", stack::prefix())).await;
            let is_it = |item: &&Value| {
                item["memberId"] == json!(key.member_id)
                    && item["about"]["kind"] == "ACCOUNT_DELETED"
                    && item["state"] == json!(MailState::Queued)
            };
            assert_eq!(items.iter().filter(is_it).count(), 1);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            for (operation, points) in [("delete_me", 0), ("delete_me with points", 70)] {
                let key = signed_in().await.key();
                let earned =
                    earn(key.member_id, PaymentId::generate(), Won::new(points), Time::now());
                if points > 0 {
                    written(earned).await;
                }
                let (client, meter) = stack::metered();
                leave_by(Store::new(client, stack::prefix()), key, points).await;
                stack::assert_operation(operation, &meter.take());
            }
        });
    }
}
