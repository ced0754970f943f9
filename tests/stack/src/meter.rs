use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextRef},
    },
    error::BoxError,
    operation::{
        batch_get_item::{BatchGetItemInput, BatchGetItemOutput},
        delete_item::{DeleteItemInput, DeleteItemOutput},
        get_item::{GetItemInput, GetItemOutput},
        put_item::{PutItemInput, PutItemOutput},
        query::{QueryInput, QueryOutput},
        transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput},
        update_item::{UpdateItemInput, UpdateItemOutput},
    },
    types::{ConsumedCapacity, ReturnConsumedCapacity},
};

/// One call that reached DynamoDB.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its name, such as `TransactWriteItems`.
    pub operation: &'static str,
    /// The read units it consumed, indexes included.
    pub read_units: f64,
    /// The write units it consumed, indexes included.
    pub write_units: f64,
}

/// What a client's calls consumed.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Vec<Call>>>);

/// A client of the local DynamoDB whose calls are counted.
pub fn metered() -> (Client, Meter) {
    let meter = Meter::default();
    (Client::from_conf(crate::config().interceptor(meter.clone()).build()), meter)
}

impl Meter {
    /// The calls since the last time, in their order.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.0.lock().expect("no test panics while it holds the meter"))
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        macro_rules! ask {
            ($($input:ty),+) => {
                $(if let Some(input) = input.downcast_mut::<$input>() {
                    input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
                })+
            };
        }
        ask!(
            GetItemInput,
            BatchGetItemInput,
            QueryInput,
            PutItemInput,
            UpdateItemInput,
            DeleteItemInput,
            TransactWriteItemsInput
        );
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(input) = context.input() else { return Ok(()) };
        macro_rules! name {
            ($($input:ty => $name:literal),+) => {
                match () {
                    $(() if input.downcast_ref::<$input>().is_some() => $name,)+
                    () => return Ok(()),
                }
            };
        }
        let operation = name!(
            GetItemInput => "GetItem", BatchGetItemInput => "BatchGetItem", QueryInput => "Query",
            PutItemInput => "PutItem", UpdateItemInput => "UpdateItem", DeleteItemInput => "DeleteItem",
            TransactWriteItemsInput => "TransactWriteItems"
        );
        let mut call = Call { operation, read_units: 0.0, write_units: 0.0 };
        let units = |consumed: Option<&ConsumedCapacity>| {
            consumed.and_then(|units| units.capacity_units).unwrap_or_default()
        };
        if let Some(Ok(output)) = context.output_or_error() {
            macro_rules! one {
                ($($output:ty => $field:ident),+) => {
                    $(if let Some(output) = output.downcast_ref::<$output>() {
                        call.$field = units(output.consumed_capacity.as_ref());
                    })+
                };
            }
            one!(
                GetItemOutput => read_units, QueryOutput => read_units,
                PutItemOutput => write_units, UpdateItemOutput => write_units, DeleteItemOutput => write_units
            );
            if let Some(output) = output.downcast_ref::<BatchGetItemOutput>() {
                call.read_units =
                    output.consumed_capacity().iter().map(|one| units(Some(one))).sum();
            }
            if let Some(output) = output.downcast_ref::<TransactWriteItemsOutput>() {
                call.write_units =
                    output.consumed_capacity().iter().map(|one| units(Some(one))).sum();
            }
        }
        self.0.lock().expect("no test panics while it holds the meter").push(call);
        Ok(())
    }
}
