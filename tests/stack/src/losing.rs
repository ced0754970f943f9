use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents, http::HttpResponse,
        interceptors::BeforeDeserializationInterceptorContextMut,
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;

/// A client whose first so many answers to an operation get lost on their way: DynamoDB has done its work, and the client is
/// told that something failed. It tries again by itself, as it does in production.
pub fn losing(operation: &'static str, answers: u32) -> Client {
    let losing = Losing { operation, left: answers.into() };
    Client::from_conf(crate::config().interceptor(losing).build())
}

#[derive(Debug)]
struct Losing {
    operation: &'static str,
    left: AtomicU32,
}

impl Intercept for Losing {
    fn name(&self) -> &'static str {
        "losing"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_meant = config.load::<Metadata>().is_some_and(|call| call.name() == self.operation);
        let next = |left: u32| left.checked_sub(1);
        if is_meant && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok() {
            *context.response_mut() = HttpResponse::new(500.try_into()?, "{}".into());
        }
        Ok(())
    }
}
