//! `GET /v1/me/points`: the caller's balance.

use api::{Answer, Call, Problem};
use domain::won::Won;
use serde::Serialize;
use store::{
    Store,
    identity::session::SignedIn,
    sales::points::{Balance, BalanceKey},
};
use utoipa::ToSchema;

/// What a member has to spend.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsView {
    /// Points; one is one won.
    balance: Won,
    /// How much of it was bought, and not spent. Earned points are spent first.
    bought: Won,
    /// What the next earned points pay first: earned ones that were spent when their purchase was refunded.
    debt: Won,
}

/// Reads one's own balance of points
///
/// One point is one won.
#[utoipa::path(get, path = "/v1/me/points",
    responses((status = 200, description = "The balance", body = PointsView)),
    security(("bearer" = [])),
)]
pub async fn handle(store: Store, call: Call<SignedIn>) -> Result<Answer<PointsView>, Problem> {
    let Call { who, context, .. } = call;
    let (_, balance) = store.read_for(&who, BalanceKey::of(&who), context.now).await?;
    let Balance { balance, bought, debt, .. } = balance.unwrap_or_default();
    Ok(Answer::ok(PointsView { balance, bought, debt }))
}

#[cfg(test)]
mod tests {
    use api::{Context, Response};
    use domain::{id::PaymentId, member::Role, time::Time, who::Claims};
    use serde_json::{Value, json};
    use store::{Transaction, sales::points::earn};

    use super::*;

    async fn read(store: Store, who: &Claims, now: Time) -> Value {
        let call = Call { who: stack::caller(who), input: (), context: Context::at(now) };
        let answer = Response::from(handle(store, call).await.unwrap());
        serde_json::from_slice(answer.body()).unwrap()
    }

    #[test]
    fn who_earned_nothing_has_none_and_then_what_they_earned() {
        stack::run(async {
            let (store, now) = (Store::new(stack::dynamo(), stack::prefix()), Time::now());
            let fan = stack::sign_in(&store, Role::User, now).await;
            let other = stack::sign_in(&store, Role::User, now).await;
            assert_eq!(
                read(store.clone(), &fan, now).await,
                json!({ "balance": 0, "bought": 0, "debt": 0 })
            );
            for points in [150, 25] {
                let earned = earn(fan.member_id, PaymentId::generate(), Won::new(points), now);
                let earning = earned.into_iter().fold(Transaction::<()>::new(), Transaction::also);
                store.transact(earning).await.unwrap();
            }
            assert_eq!(
                read(store.clone(), &fan, now).await,
                json!({ "balance": 175, "bought": 0, "debt": 0 })
            );
            assert_eq!(
                read(store, &other, now).await,
                json!({ "balance": 0, "bought": 0, "debt": 0 }),
                "another's"
            );
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (store, now) = (Store::new(stack::dynamo(), stack::prefix()), Time::now());
            let fan = stack::sign_in(&store, Role::User, now).await;
            let (client, meter) = stack::metered();
            read(Store::new(client, stack::prefix()), &fan, now).await;
            stack::assert_operation("get_my_points", &meter.take());
        });
    }
}
