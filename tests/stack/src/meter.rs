use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextRef},
    },
    error::BoxError,
    operation::{
        batch_get_item::{BatchGetItemError, BatchGetItemInput, BatchGetItemOutput},
        delete_item::{DeleteItemError, DeleteItemInput, DeleteItemOutput},
        get_item::{GetItemError, GetItemInput, GetItemOutput},
        put_item::{PutItemError, PutItemInput, PutItemOutput},
        query::{QueryError, QueryInput, QueryOutput},
        scan::{ScanError, ScanInput, ScanOutput},
        transact_write_items::{
            TransactWriteItemsError, TransactWriteItemsInput, TransactWriteItemsOutput,
        },
        update_item::{UpdateItemError, UpdateItemInput, UpdateItemOutput},
    },
    types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity, TransactWriteItem},
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
    /// The partition keys of what a transaction wrote.
    pub wrote: Vec<String>,
}

/// What a client's calls consumed.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    calls: Arc<Mutex<Vec<Call>>>,
    /// The batch read that is under way: by table, the units of 4 KB and how many keys.
    batch: Arc<Mutex<HashMap<String, (f64, usize)>>>,
    /// The partition keys that the transaction under way writes.
    writing: Arc<Mutex<Vec<String>>>,
}

/// A client of the local DynamoDB whose calls are counted.
pub fn metered() -> (Client, Meter) {
    let meter = Meter::default();
    (Client::from_conf(crate::config().interceptor(meter.clone()).build()), meter)
}

impl Meter {
    /// The calls since the last time, in their order.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().expect("no test panics while it holds the meter"))
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
            ScanInput,
            PutItemInput,
            UpdateItemInput,
            DeleteItemInput,
            TransactWriteItemsInput
        );
        if let Some(input) = input.downcast_ref::<BatchGetItemInput>() {
            let table = |(name, keys): (&String, &KeysAndAttributes)| {
                let each = if keys.consistent_read == Some(true) { 1.0 } else { 0.5 };
                (name.clone(), (each, keys.keys.len()))
            };
            *self.batch.lock().expect("no test panics while it holds the meter") =
                input.request_items.iter().flatten().map(table).collect();
        }
        if let Some(input) = context.input().downcast_ref::<TransactWriteItemsInput>() {
            *self.writing.lock().expect("no test panics while it holds the meter") =
                input.transact_items().iter().filter_map(partition).collect();
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The input is gone by now: what kind of answer came says which call it was.
        let Some(answer) = context.output_or_error() else { return Ok(()) };
        let (output, error) = match answer {
            Ok(output) => (Some(output), None),
            Err(error) => (None, error.as_operation_error()),
        };
        let mut call = Call { operation: "", read_units: 0.0, write_units: 0.0, wrote: Vec::new() };
        macro_rules! recognise {
            ($($operation:literal: $output:ty, $error:ty, $units:ident;)+) => {$(
                if let Some(output) = output.and_then(|output| output.downcast_ref::<$output>()) {
                    let consumed = output.consumed_capacity().into_iter();
                    call.operation = $operation;
                    call.$units = consumed.filter_map(|consumed| consumed.capacity_units).sum();
                }
                if error.is_some_and(|error| error.downcast_ref::<$error>().is_some()) {
                    call.operation = $operation;
                }
            )+};
        }
        recognise!(
            "GetItem": GetItemOutput, GetItemError, read_units;
            "BatchGetItem": BatchGetItemOutput, BatchGetItemError, read_units;
            "Query": QueryOutput, QueryError, read_units;
            "Scan": ScanOutput, ScanError, read_units;
            "PutItem": PutItemOutput, PutItemError, write_units;
            "UpdateItem": UpdateItemOutput, UpdateItemError, write_units;
            "DeleteItem": DeleteItemOutput, DeleteItemError, write_units;
            "TransactWriteItems": TransactWriteItemsOutput, TransactWriteItemsError, write_units;
        );
        if call.operation.is_empty() {
            return Ok(());
        }
        if let Some(batch) = output.and_then(|output| output.downcast_ref::<BatchGetItemOutput>()) {
            // The emulator reports nothing here, so it is counted as documented: each item for itself, one that is not there as
            // a small one.
            let tables = self.batch.lock().expect("no test panics while it holds the meter");
            let units = |(name, (each, keys)): (&String, &(f64, usize))| {
                let found = batch.responses().and_then(|found| found.get(name));
                let found = found.map_or(&[][..], Vec::as_slice);
                let units: usize = found.iter().map(|item| size(item).div_ceil(4096)).sum();
                each * (units + keys - found.len()) as f64
            };
            call.read_units = tables.iter().map(units).sum();
        }
        if call.operation == "TransactWriteItems" {
            call.wrote =
                self.writing.lock().expect("no test panics while it holds the meter").clone();
        }
        self.calls.lock().expect("no test panics while it holds the meter").push(call);
        Ok(())
    }
}

/// The partition key of what one piece of a transaction writes.
fn partition(item: &TransactWriteItem) -> Option<String> {
    let written = item.update().map(|update| &update.key);
    let written = written.or_else(|| item.put().map(|put| &put.item));
    written?.get("pk").and_then(|pk| pk.as_s().ok()).cloned()
}

/// How large an item is, as DynamoDB counts it.
fn size(item: &HashMap<String, AttributeValue>) -> usize {
    fn of(value: &AttributeValue) -> usize {
        match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(number) => number.len() / 2 + 2,
            AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + of(value)).sum::<usize>(),
            AttributeValue::M(map) => 3 + map.len() + size(map),
            _ => 1,
        }
    }
    item.iter().map(|(name, value)| name.len() + of(value)).sum()
}
