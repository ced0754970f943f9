use std::{
    fmt,
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
};

use aws_sdk_dynamodb::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeSerializationInterceptorContextMut,
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use tokio::{runtime::Handle, task::block_in_place};

/// A client that lets something else happen right before its first call of an operation: what comes between two calls of one
/// caller.
pub fn meanwhile<Happening: Future<Output = ()> + 'static>(
    operation: &'static str,
    happens: impl Fn() -> Happening + Send + Sync + 'static,
) -> Client {
    let meanwhile = Meanwhile { operation, is_done: AtomicBool::new(false), happens };
    Client::from_conf(crate::config().interceptor(meanwhile).build())
}

struct Meanwhile<Happens> {
    operation: &'static str,
    is_done: AtomicBool,
    happens: Happens,
}

impl<Happens> fmt::Debug for Meanwhile<Happens> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile(…)")
    }
}

impl<Happening, Happens> Intercept for Meanwhile<Happens>
where
    Happening: Future<Output = ()>,
    Happens: Fn() -> Happening + Send + Sync,
{
    fn name(&self) -> &'static str {
        "meanwhile"
    }

    fn modify_before_serialization(
        &self,
        _: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_meant = config.load::<Metadata>().is_some_and(|call| call.name() == self.operation);
        if is_meant && !self.is_done.swap(true, Ordering::Relaxed) {
            block_in_place(|| Handle::current().block_on((self.happens)()));
        }
        Ok(())
    }
}
