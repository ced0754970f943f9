//! Worker on a schedule, each minute: compares what is paid with KakaoPay's books, each payment once a day, until its event is over.
//!
//! Each payment says by itself when it is next, so that a run which dies, or has more to do than its time, leaves the rest to the
//! next.

use std::time::{Duration, Instant};

use api::Worker;
use aws::{Connect, ConnectError, variable};
use domain::{id::PaymentId, time::Time};
use futures::future::join_all;
use gateways::{Kakaopay, Pace};
use sales::SalesFault;
use serde::{Deserialize, Serialize};
use store::{
    Store,
    sales::due::{Due, SHARDS},
};

/// The scheduler's event; nothing of it is needed.
#[derive(Debug, Deserialize)]
pub struct Tick {}

/// How many payments were compared.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Audited {
    payments: usize,
}

/// How long a run goes on with other payments.
const BUDGET: Duration = Duration::from_secs(30);

/// The database, KakaoPay, and how many payments it is asked about in a second.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    kakaopay: Kakaopay,
    rate: f64,
}

impl Connect for Clients {
    /// `REFUND_RATE`.
    async fn connect() -> Result<Self, ConnectError> {
        let (store, kakaopay) = <(Store, Kakaopay)>::connect().await?;
        Ok(Self { store, kakaopay, rate: variable("REFUND_RATE")?.parse()? })
    }
}

/// Compares what is due, the longest waiting of each shard first.
///
/// # Errors
/// When the database does not answer; the next minute is the retry.
pub async fn handle(
    Clients { store, kakaopay, rate }: Clients,
    _: Tick,
) -> Result<Audited, SalesFault> {
    let (began, pace) = (Instant::now(), Pace::of(rate));
    // As many of each shard as there can be turns for.
    let most = (rate * BUDGET.as_secs_f64() / f64::from(SHARDS)).ceil().clamp(1.0, 100.0) as u32;
    let shard = async |shard| -> Result<usize, SalesFault> {
        let mut compared = 0;
        let due: Vec<PaymentId> =
            sales::overdue(&store, Due::Look, shard, most, Time::now()).await?;
        for id in due {
            pace.turn().await;
            if began.elapsed() > BUDGET {
                break;
            }
            sales::look(&store, &kakaopay, id, Time::now()).await?;
            compared += 1;
        }
        Ok(compared)
    };
    let compared: Result<Vec<_>, _> = join_all((0..SHARDS).map(shard)).await.into_iter().collect();
    Ok(Audited { payments: compared?.into_iter().sum() })
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(handle)
}
