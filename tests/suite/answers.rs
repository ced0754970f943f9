//! What the routes answered while every other test ran stands in the document: the front of the stack wrote it down.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

/// What the document says that an operation answers with a status.
fn documented<'a>(document: &'a Value, operation: &str, status: &str) -> Option<&'a Value> {
    let items = document["paths"].as_object()?.values().filter_map(Value::as_object);
    let named = items.flat_map(|item| item.values()).find(|it| it["operationId"] == operation)?;
    target(document, named["responses"].get(status)?)
}

/// What stands somewhere, or what is referred to there.
fn target<'a>(document: &'a Value, there: &'a Value) -> Option<&'a Value> {
    match there["$ref"].as_str() {
        Some(target) => document.pointer(target.trim_start_matches('#')),
        None => Some(there),
    }
}

/// Whether an answer may be of a kind; one without a body has none.
fn is(answer: &Value, kind: &Value) -> bool {
    kind.as_str().is_none_or(|kind| answer["content"][kind].is_object())
}

/// Whether a refusal may have a code; what is no refusal has none.
fn has(document: &Value, answer: &Value, code: &Value) -> bool {
    let schema = &answer["content"]["application/problem+json"]["schema"];
    let codes = target(document, schema).map(|schema| &schema["allOf"][1]["properties"]["code"]);
    let codes = codes.and_then(|codes| codes["enum"].as_array());
    code.is_null() || codes.is_some_and(|codes| codes.contains(code))
}

#[test]
fn every_answer_and_every_code_that_was_seen_stands_in_the_document_of_its_route() {
    let seen = std::env::var("ANSWERS_FILE")
        .expect("ANSWERS_FILE is not set: these tests are run by `make test`");
    let seen = fs::read_to_string(seen).unwrap();
    let seen: BTreeSet<_> = seen.lines().collect();
    let document: Value = serde_json::from_str(&generate::document().unwrap()).unwrap();
    let mut missing = Vec::new();
    for line in seen {
        let answered: Value = serde_json::from_str(line).unwrap();
        // HEAD is answered as GET is, and the document names no more than that.
        let operation = answered["operation"].as_str().unwrap();
        let operation = operation.strip_prefix("head_").unwrap_or(operation);
        let code = &answered["code"];
        let told = documented(&document, operation, &answered["status"].to_string());
        if !told.is_some_and(|told| has(&document, told, code) && is(told, &answered["kind"])) {
            missing.push(line);
        }
    }
    assert!(
        missing.is_empty(),
        "not in the document; a route names its own codes in `api::routes!`: {missing:#?}"
    );
}
