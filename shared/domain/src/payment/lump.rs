use crate::won::Won;

number!(
    /// What is given to an artist, or paid for points, in won: 1,000 to 1,000,000.
    LumpSum(u64), 1_000..=1_000_000, example 10_000
);

impl LumpSum {
    /// The same as an amount of money.
    pub const fn won(self) -> Won {
        Won::new(self.get())
    }
}
