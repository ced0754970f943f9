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

/// What each function's role allows; a resource may have a `*` in it.
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
    let of_function =
        |statements: Vec<Value>| statements.iter().flat_map(of_statement).collect::<BTreeSet<_>>();
    policies.into_iter().map(|(function, statements)| (function, of_function(statements))).collect()
}

/// `arn:aws:dynamodb:region:account:table/local-sales` → `table/local-sales`; the random end of a secret's ARN is left out.
fn last_part(arn: &str) -> String {
    let last = arn.splitn(6, ':').last().unwrap_or(arn);
    last.trim_end_matches("-??????").to_owned()
}

/// Whether a permission is for a call.
fn covers(permission: &Permission, call: &Permission) -> bool {
    let (mut rest, mut pieces) = (call.1.as_str(), permission.1.split('*'));
    let Some(begins) = rest.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    rest = begins;
    let Some(end) = pieces.next_back() else {
        return permission.0 == call.0 && rest.is_empty();
    };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    permission.0 == call.0 && rest.ends_with(end)
}

fn called() -> BTreeMap<String, BTreeSet<Permission>> {
    let mut called: BTreeMap<String, BTreeSet<Permission>> = BTreeMap::new();
    for line in file("RECORDER_LOG").lines() {
        let call: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| call[key].as_str().unwrap_or("nobody").to_owned();
        // A test's own client, in place of a function's (`storms.rs`).
        if text("function").starts_with("storm-") {
            continue;
        }
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
        let denied = calls.iter().filter(|call| !permissions.iter().any(|it| covers(it, call)));
        faults.extend(denied.map(|call| format!("{function} did, and may not: {call:?}")));
    }
    for (function, permissions) in &allowed {
        let calls = called.get(function).unwrap_or(&none);
        let unused = permissions.iter().filter(|it| !calls.iter().any(|call| covers(it, call)));
        faults.extend(unused.map(|unused| format!("{function} may, and never did: {unused:?}")));
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_star_covers_any_end_and_nothing_before_it() {
    let post = |resource: &str| ("es:ESHttpPost".to_owned(), resource.to_owned());
    let covers = |permission, call| covers(&post(permission), &post(call));
    assert!(covers("domain/a/events-*/_refresh", "domain/a/events-1/_refresh"));
    assert!(!covers("domain/a/events-*/_refresh", "domain/a/events-1/_search"));
    assert!(!covers("domain/a/events/_search", "domain/a/events/_search/more"));
    assert!(!covers("domain/a/_bulk", "domain/a/_aliases"));
    assert!(covers("*", "anything"));
}
