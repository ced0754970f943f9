use domain::time::Time;
use serde::{Deserialize, Serialize};

/// When an item may go: the attribute `expiresAt`, in whole seconds, as DynamoDB's time to live wants it.
///
/// DynamoDB deletes late, by days at worst, so whoever reads the item asks [`Ttl::is_past`], too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ttl(i64);

impl Ttl {
    /// Not before this time; rounded up.
    pub fn at(time: Time) -> Self {
        Self(time.plus(std::time::Duration::from_millis(999)).seconds())
    }

    /// The moment it stands for.
    pub fn time(self) -> Time {
        Time::from_millis(self.0.saturating_mul(1000))
    }

    /// Whether the item has to be treated as gone.
    pub fn is_past(self, now: Time) -> bool {
        self.time() <= now
    }
}
