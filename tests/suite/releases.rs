//! What a new version is asked before it gets traffic (`infra/hook`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::workers::invoke_with;

#[test]
fn every_function_answers_what_a_release_asks_it() {
    let events: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("../../infra/hook/events.json")).unwrap();
    assert!(events.len() > 20, "{}", events.len());
    stack::run(async {
        for (function, event) in events {
            let answer = invoke_with(&function, event.clone()).await;
            assert!(answer.get("errorMessage").is_none(), "{function}: {answer}");
            if event.get("httpMethod").is_some() {
                let status = answer["statusCode"].as_u64().unwrap_or_default();
                assert!((200..500).contains(&status), "{function}: {answer}");
            }
        }
    });
}
