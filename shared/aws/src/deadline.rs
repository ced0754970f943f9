//! The one deadline of an invocation. Lambda ends a function that passes its time limit, without an answer and without a line in
//! the log, so everything that waits looks here how long it may, and the function answers by itself a moment before.

use std::{
    future::Future,
    time::{Duration, SystemTime},
};

use domain::fault::{Code, Fault};
use tokio::time::Instant;

use crate::codes;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// What is kept for the answer: putting it into words, logging it, and sending it.
const FOR_THE_ANSWER: Duration = Duration::from_millis(500);

/// The invocation ran out of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the invocation's time was over")]
pub struct TimeOver;

impl Fault for TimeOver {
    fn code(&self) -> Code {
        codes::TIME_OVER
    }

    fn retry_after(&self) -> Option<Duration> {
        Some(Duration::from_secs(1))
    }
}

/// Runs an invocation that Lambda ends at a given moment. What has not come to an end shortly before is dropped where it waits,
/// as if the process had died there.
///
/// # Errors
/// [`TimeOver`], in time for an answer.
pub async fn within<F: Future>(
    killed_at: SystemTime,
    invocation: F,
) -> Result<F::Output, TimeOver> {
    #[expect(clippy::disallowed_methods, reason = "Lambda gives the time on the wall")]
    let left = killed_at.duration_since(SystemTime::now()).unwrap_or_default();
    let deadline = Instant::now() + left.saturating_sub(FOR_THE_ANSWER);
    let invocation = DEADLINE.scope(deadline, invocation);
    tokio::time::timeout_at(deadline, invocation).await.map_err(|_| TimeOver)
}

/// How long this invocation may still take. Outside of one, as in a test, there is no limit.
pub fn left() -> Duration {
    DEADLINE
        .try_with(|deadline| deadline.saturating_duration_since(Instant::now()))
        .unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn run<F: Future>(test: F) -> F::Output {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(test)
    }

    #[expect(clippy::disallowed_methods, reason = "Lambda gives the time on the wall")]
    fn now() -> SystemTime {
        SystemTime::now()
    }

    fn in_ten_seconds() -> SystemTime {
        now() + Duration::from_secs(10)
    }

    #[test]
    fn what_hangs_is_given_up_before_lambda_ends_it() {
        run(async {
            let began = Instant::now();
            assert_eq!(within(in_ten_seconds(), pending::<()>()).await, Err(TimeOver));
            let took = began.elapsed();
            assert!((Duration::from_secs(9)..Duration::from_secs(10)).contains(&took), "{took:?}");
        });
    }

    #[test]
    fn whoever_waits_inside_sees_how_long_it_may() {
        run(async {
            let seen = within(in_ten_seconds(), async {
                tokio::time::sleep(Duration::from_secs(4)).await;
                left()
            });
            let seen = seen.await.unwrap();
            assert!((Duration::from_secs(5)..Duration::from_secs(6)).contains(&seen), "{seen:?}");
            assert_eq!(left(), Duration::MAX, "outside there is no limit");
        });
    }

    #[test]
    fn a_deadline_that_has_passed_leaves_no_time_at_all() {
        run(async {
            let past = now() - Duration::from_secs(1);
            assert_eq!(within(past, pending::<()>()).await, Err(TimeOver));
        });
    }
}
