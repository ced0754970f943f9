use std::{
    collections::HashMap,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use serde_json::Value;
use tokio::{runtime::Handle, task::block_in_place};

use crate::dynamo;

/// The prefix of this process's own tables: `<prefix>-identity` and so on. The first call makes them.
///
/// Call it inside [`crate::run`].
pub fn prefix() -> &'static str {
    static PREFIX: OnceLock<String> = OnceLock::new();
    PREFIX.get_or_init(|| block_in_place(|| Handle::current().block_on(own_tables())))
}

/// Makes tables for one test alone, which asserts over all that is in them, and answers their prefix.
pub async fn own_tables() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let process = std::process::id();
    let started = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_millis();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let prefix = format!("test-{process}-{started}-{number}");
    for table in definitions() {
        let request = dynamo()
            .create_table()
            .table_name(name(&table, &prefix))
            .billing_mode(BillingMode::PayPerRequest);
        let request = request
            .set_key_schema(Some(key_schema(&table["KeySchema"])))
            .set_attribute_definitions(Some(
                list(&table["AttributeDefinitions"]).map(attribute).collect(),
            ));
        let indexes: Vec<_> = list(&table["GlobalSecondaryIndexes"]).map(index).collect();
        let request =
            request.set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes));
        request.send().await.expect("the local DynamoDB makes a table");
    }
    prefix
}

/// The names of all tables with a prefix.
pub fn table_names(prefix: &str) -> Vec<String> {
    definitions().iter().map(|table| name(table, prefix)).collect()
}

/// Every item of a table, as it is now.
///
/// # Panics
/// When there is no such table.
pub async fn items(table: &str) -> Vec<Value> {
    let scan = dynamo().scan().table_name(table).consistent_read(true);
    let items = scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let items = items.expect("the local DynamoDB reads a table");
    items.into_iter().map(json).collect()
}

/// An item as JSON, where bytes are a list of numbers.
fn json(mut item: HashMap<String, AttributeValue>) -> Value {
    for value in item.values_mut() {
        if let AttributeValue::B(bytes) = value {
            let numbers = bytes.as_ref().iter().map(|byte| AttributeValue::N(byte.to_string()));
            *value = AttributeValue::L(numbers.collect());
        }
    }
    serde_dynamo::from_item(item).expect("an item is JSON")
}

/// The tables that `infra/data.yaml` defines: `TABLES_FILE` holds their properties in JSON, as CloudFormation has them.
fn definitions() -> Vec<Value> {
    let file = std::env::var("TABLES_FILE").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/local/tables.json").to_owned()
    });
    let json = std::fs::read_to_string(&file)
        .expect("target/local/tables.json is missing: these tests are run by `make test`");
    serde_json::from_str(&json).expect("tables.json is a list of tables")
}

fn name(table: &Value, prefix: &str) -> String {
    text(&table["TableName"]).replace("${Stage}", prefix)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text in tables.json")
}

fn key_schema(value: &Value) -> Vec<KeySchemaElement> {
    let element = |element: &Value| {
        let key = KeySchemaElement::builder().attribute_name(text(&element["AttributeName"]));
        key.key_type(KeyType::from(text(&element["KeyType"]))).build().expect("a key")
    };
    list(value).map(element).collect()
}

fn attribute(value: &Value) -> AttributeDefinition {
    let attribute = AttributeDefinition::builder().attribute_name(text(&value["AttributeName"]));
    attribute
        .attribute_type(ScalarAttributeType::from(text(&value["AttributeType"])))
        .build()
        .expect("an attribute")
}

fn index(value: &Value) -> GlobalSecondaryIndex {
    let projection = ProjectionType::from(text(&value["Projection"]["ProjectionType"]));
    GlobalSecondaryIndex::builder()
        .index_name(text(&value["IndexName"]))
        .set_key_schema(Some(key_schema(&value["KeySchema"])))
        .projection(Projection::builder().projection_type(projection).build())
        .build()
        .expect("an index")
}
