//! `GET /v1/me/points/transfers`: how the caller's points moved.

use api::{Answer, Call, Cursors, List, Paging, Problem, Query};
use domain::{
    id::{MemberId, PaymentId, TransferId},
    points::{Account, Kind, State, Transfer},
    time::Time,
    won::Won,
};
use serde::Serialize;
use store::{Store, identity::session::SignedIn, sales::points::Entry};
use utoipa::ToSchema;

/// Points that moved, as their owner sees it.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransferView {
    id: TransferId,
    /// Why.
    kind: Kind,
    /// `PENDING` while a purchase that is not paid yet has set them aside; `VOIDED` if nothing came of it.
    state: State,
    /// How many.
    amount: Won,
    /// What it does to the balance: below zero if they left it. A `VOIDED` one does nothing.
    #[schema(example = -3_000)]
    balance_change: i64,
    /// What it does to what is owed.
    #[schema(example = 0)]
    debt_change: i64,
    /// Of which payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<PaymentId>,
    created_at: Time,
}

impl TransferView {
    fn of(Entry { transfer, payment_id, created_at, .. }: Entry, member: MemberId) -> Self {
        let Transfer { id, from, to, amount, kind, state } = transfer;
        // No amount is near the limit.
        let points = i64::try_from(amount.get()).unwrap_or(i64::MAX);
        let change = |account| match state {
            State::Voided => 0,
            _ => points * (i64::from(to == account) - i64::from(from == account)),
        };
        Self {
            id,
            kind,
            state,
            amount,
            balance_change: change(Account::Member(member)),
            debt_change: -change(Account::Debt(member)),
            payment_id,
            created_at,
        }
    }
}

/// Lists how one's own points moved
///
/// The latest first. The balance is the sum of all changes.
#[utoipa::path(get, path = "/v1/me/points/transfers", params(Paging),
    responses((status = 200, description = "A page of transfers", body = List<TransferView>)),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<SignedIn, Query<Paging>>,
) -> Result<Answer<List<TransferView>>, Problem> {
    let Call { who, input: Query(paging), context } = call;
    let member = store.session(&who, context.now).await?.member.id;
    let scope = format!("list_my_transfers {member}");
    let query = |limit, start| store.transfers_of(member, limit, start);
    cursors.list(&scope, paging, query, |entry| TransferView::of(entry, member)).await
}

#[cfg(test)]
mod tests {
    use api::{Context, Response};
    use aws::Secret;
    use domain::{member::Role, points::Spent, who::Claims};
    use serde_json::{Value, json};
    use store::{
        Transaction, Write,
        sales::points::{Balance, BalanceKey, earn, give_back, set_aside, top_up},
    };

    use super::*;

    async fn page(store: Store, who: &Claims, paging: Value) -> Value {
        let (aws, id) = stack::cursor_secret().await;
        let paging = deserr::deserialize::<_, _, api::FieldFaults>(paging).unwrap();
        let context = Context::at(Time::now());
        let call = Call { who: stack::caller(who), input: Query(paging), context };
        let answer = handle((store, Cursors::new(Secret::new(&aws, &id))), call).await.unwrap();
        serde_json::from_slice(Response::from(answer).body()).unwrap()
    }

    async fn written(store: &Store, writes: impl IntoIterator<Item = Write>) {
        let whole = writes.into_iter().fold(Transaction::<()>::new(), Transaction::also);
        store.transact(whole).await.unwrap();
    }

    #[test]
    fn the_balance_and_what_is_owed_are_the_sums_of_the_changes_on_all_pages() {
        stack::run(async {
            let (store, now) = (Store::new(stack::dynamo(), stack::prefix()), Time::now());
            let fan = stack::sign_in(&store, Role::User, now).await;
            let (member, payment) = (fan.member_id, PaymentId::generate());
            let balance = async || store.get(&BalanceKey(member)).await.unwrap().unwrap();
            written(&store, top_up(member, payment, Won::new(1_000), now)).await;
            written(&store, earn(member, payment, Won::new(150), now)).await;
            for (points, is_spent) in [(200, true), (300, false), (400, true)] {
                let read = balance().await;
                let (aside, held) =
                    set_aside(member, payment, Won::new(points), read, now).unwrap();
                written(&store, held).await;
                match is_spent {
                    true => written(&store, [aside.post()]).await,
                    false => written(&store, aside.void(member, Won::new(points))).await,
                }
            }
            let read = balance().await;
            written(&store, set_aside(member, payment, Won::new(50), read, now).unwrap().1).await;
            // More is taken back than was earned: what was bought does not pay for it.
            let taken = Won::new(10_000);
            let back = give_back(member, payment, Spent::default(), taken, balance().await, now);
            written(&store, back.unwrap()).await;

            let (mut seen, mut paging) = (Vec::new(), json!({ "limit": "3" }));
            loop {
                let page = page(store.clone(), &fan, paging).await;
                seen.extend(page["items"].as_array().unwrap().clone());
                let Some(next) = page["nextCursor"].as_str() else { break };
                paging = json!({ "limit": "3", "cursor": next });
            }
            let sum = |field| seen.iter().map(|it| it[field].as_i64().unwrap()).sum::<i64>();
            let Balance { balance, debt, .. } = balance().await;
            assert_eq!(sum("balanceChange"), balance.get() as i64);
            assert_eq!(sum("debtChange"), debt.get() as i64);
            assert_eq!((balance.get(), debt.get()), (500, 10_000));
            let told = |it: &Value| {
                let text = |field: &str| it[field].as_str().unwrap().to_owned();
                format!("{} {} {}", text("kind"), text("state"), it["balanceChange"])
            };
            let mut told: Vec<_> = seen.iter().map(told).collect();
            told.sort();
            let expected = [
                "EARNED POSTED 150",
                "EARNED_TAKEN_BACK POSTED 0",
                "TOP_UP POSTED 1000",
                "USED PENDING -50",
                "USED POSTED -200",
                "USED POSTED -400",
                "USED VOIDED 0",
            ];
            assert_eq!(told, expected);
        });
    }

    #[test]
    fn nobody_sees_how_anothers_points_moved_and_it_costs_what_the_data_model_says() {
        stack::run(async {
            let (store, now) = (Store::new(stack::dynamo(), stack::prefix()), Time::now());
            let fan = stack::sign_in(&store, Role::User, now).await;
            let other = stack::sign_in(&store, Role::User, now).await;
            written(&store, top_up(fan.member_id, PaymentId::generate(), Won::new(5), now)).await;
            let (client, meter) = stack::metered();
            let seen = page(Store::new(client, stack::prefix()), &fan, json!({})).await;
            stack::assert_operation("list_my_transfers", &meter.take());
            assert_eq!(seen["items"].as_array().unwrap().len(), 1);
            assert_eq!(page(store, &other, json!({})).await["items"], json!([]));
        });
    }
}
