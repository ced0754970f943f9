use std::future::Future;

/// Why a function can't start: for its log alone.
pub type ConnectError = Box<dyn std::error::Error + Send + Sync>;

/// What a handler works with, built from the environment once, when its function starts, and cloned for each call.
pub trait Connect: Clone + Send + Sync + Sized + 'static {
    /// Reads the configuration and opens the connection. That somebody does not answer now is no error: the first request
    /// meets it.
    fn connect() -> impl Future<Output = Result<Self, ConnectError>> + Send;
}

impl Connect for () {
    async fn connect() -> Result<Self, ConnectError> {
        Ok(())
    }
}

/// Several at once: a start takes as long as the slowest of them.
macro_rules! together {
    ($($client:ident),+) => {
        impl<$($client: Connect),+> Connect for ($($client,)+) {
            async fn connect() -> Result<Self, ConnectError> {
                tokio::try_join!($($client::connect()),+)
            }
        }
    };
}

together!(A, B);
together!(A, B, C);
together!(A, B, C, D);
