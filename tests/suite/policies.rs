//! No emulator enforces IAM, so the local cloud writes down every AWS call of every function while the suites run. A call
//! without a permission fails here, and so does a permission that nothing uses. It runs last, by itself (`Makefile`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

/// An action on the last part of an ARN: `dynamodb:GetItem` on `table/local-sales`.
type Permission = (String, String);

fn file(variable: &str) -> String {
    let path = std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: this test is run by `make test`"));
    fs::read_to_string(path).unwrap()
}

/// One or several texts, as IAM's policies write them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// What each function's role allows. The platform's own needs (its queue, its stream, its traces) are not the code's.
fn allowed() -> BTreeMap<String, BTreeSet<Permission>> {
    let policies: BTreeMap<String, Vec<Value>> =
        serde_json::from_str(&file("POLICIES_FILE")).unwrap();
    let of_statement = |statement: &Value| -> Vec<Permission> {
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        let resources: Vec<_> = texts(&statement["Resource"]).into_iter().map(last_part).collect();
        let pairs = texts(&statement["Action"]).into_iter().flat_map(|action| {
            assert!(!action.contains('*'), "{action}: name the actions");
            resources.iter().map(move |resource| (action.to_owned(), resource.clone()))
        });
        pairs.collect()
    };
    let of_function = |statements: Vec<Value>| {
        statements.iter().flat_map(of_statement).filter(|(action, _)| by_code(action)).collect()
    };
    policies.into_iter().map(|(function, statements)| (function, of_function(statements))).collect()
}

/// `arn:aws:dynamodb:region:account:table/local-sales` → `table/local-sales`; the random end of a secret's ARN is left out.
fn last_part(arn: &str) -> String {
    let last = arn.splitn(6, ':').last().unwrap_or(arn);
    last.trim_end_matches("-??????").to_owned()
}

fn by_code(action: &str) -> bool {
    let platform = [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "logs:",
        "xray:",
        "dynamodb:DescribeStream",
    ];
    let stream = [
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "es:",
        "lambda:",
    ];
    !platform.iter().chain(&stream).any(|prefix| action.starts_with(prefix))
}

fn called() -> BTreeMap<String, BTreeSet<Permission>> {
    let mut called: BTreeMap<String, BTreeSet<Permission>> = BTreeMap::new();
    for line in file("RECORDER_LOG").lines() {
        let call: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| call[key].as_str().unwrap_or("nobody").to_owned();
        called.entry(text("function")).or_default().insert((text("action"), text("resource")));
    }
    called
}

#[test]
fn each_function_may_do_what_it_does_and_nothing_else() {
    let (allowed, called) = (allowed(), called());
    assert!(allowed.len() > 20, "the policies of all functions are there: {}", allowed.len());
    let mut faults = Vec::new();
    let none = BTreeSet::new();
    for (function, calls) in &called {
        let permissions = allowed.get(function).unwrap_or(&none);
        faults.extend(
            calls
                .difference(permissions)
                .map(|call| format!("{function} did, and may not: {call:?}")),
        );
    }
    for (function, permissions) in &allowed {
        let calls = called.get(function).unwrap_or(&none);
        faults.extend(
            permissions
                .difference(calls)
                .map(|unused| format!("{function} may, and never did: {unused:?}")),
        );
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
