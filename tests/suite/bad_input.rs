//! Bad input over every route: the right status, a stable code, a pointer to the value, and nothing written.
//!
//! What the document says of a route is tried by machine; what only a person knows stands in its part's file.

use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};

use crate::{
    document::{Field, Operation, operations, text, unknown_id},
    parts::rows,
    refusals::{Refused, all_refused},
    world::World,
};

/// What a value of the right kind is refused with.
const LIMITS: [&str; 4] = ["LENGTH", "RANGE", "CHOICE", "FORMAT"];

/// Routes that pass over what they don't know in the query: pages for people, to whose addresses others add what they like.
pub const OPEN_QUERIES: [&str; 6] = [
    "approve_payment",
    "call_off_payment",
    "cancel_payment",
    "fail_payment",
    "finish_social_sign_in",
    "get_docs",
];

/// The requests of one route by the one who may send them.
struct Trial<'a> {
    world: &'a World,
    operation: &'a Operation,
    path: String,
    token: Option<&'a str>,
}

impl<'a> Trial<'a> {
    fn new(world: &'a World, operation: &'a Operation) -> Self {
        let token = operation.signed_in.then(|| &*operation.owner(world).token);
        Self { world, operation, path: operation.path(world), token }
    }

    fn all(&self) -> Vec<Refused> {
        let mut all = self.path();
        all.extend(self.query());
        if let Some(fields) = &self.operation.body {
            all.extend(self.body(fields));
            all.extend(self.ids(fields));
        }
        if self.operation.takes_key {
            all.extend(self.key());
        }
        if self.operation.takes_version {
            all.extend(self.version());
        }
        all
    }

    fn refused(&self, what: &str, request: RequestBuilder) -> Refused {
        Refused::new(format!("{} with {what}", self.operation.name), request)
    }

    fn sending(&self) -> RequestBuilder {
        self.operation.request(self.world, &self.path, self.token, &[])
    }

    /// The path names something by an id that is none, by one of nothing, or by a secret that is guessed.
    fn path(&self) -> Vec<Refused> {
        let Self { world, operation, path, token } = self;
        let trace = world.request(Method::TRACE, path);
        let mut refused = vec![self.refused("TRACE", trace).is(405, "METHOD_NOT_ALLOWED")];
        let mut not_found = String::new();
        for variable in &operation.variables {
            let at = |value: &str| {
                let path = operation.path_with(world, &variable.name, value);
                self.refused(&path, operation.good(world, &path, *token))
            };
            let value = match variable.id_of {
                Some(kind) => {
                    not_found = variable.not_found();
                    unknown_id(kind)
                }
                None => {
                    if variable.schema["enum"].is_array() {
                        not_found = "NOT_FOUND".into();
                    }
                    "guessed"
                }
            };
            refused.push(at(value).is(404, &not_found));
            let wrong = variable.wrong_ids();
            refused.extend(wrong.iter().map(|id| at(id).is(404, "NOT_FOUND")));
        }
        refused
    }

    fn query(&self) -> Vec<Refused> {
        let Self { world, operation, path, token } = self;
        let asking = |what: &str, pairs: &[(&str, String)], codes: &[&'static str]| {
            let request = operation.request(world, path, *token, pairs);
            let refused = self.refused(what, request);
            pairs.iter().fold(refused, |refused, (name, _)| refused.has("query", name, codes))
        };
        let mut refused = Vec::new();
        if !OPEN_QUERIES.contains(&&*operation.name) {
            refused.push(asking("more", &[("unknown", "1".into())], &["UNKNOWN_FIELD"]));
        }
        let fields = &operation.query;
        if !fields.is_empty() {
            let twice: Vec<_> = fields
                .iter()
                .map(|field| (&*field.name, "1".into()))
                .cycle()
                .take(fields.len() * 2)
                .collect();
            refused.push(asking("each parameter twice", &twice, &["TYPE"]));
        }
        let counted = fields.iter().filter(|field| field.is("integer") || field.is("boolean"));
        let words: Vec<_> = counted.map(|field| (&*field.name, "many".into())).collect();
        if !words.is_empty() {
            refused.push(asking("words for numbers", &words, &["TYPE"]));
        }
        for beyond in rounds(fields) {
            let pairs = beyond.iter().map(|(name, value)| (*name, text(value)));
            // What is left empty is not given.
            let pairs: Vec<_> = pairs.filter(|(_, value)| !value.is_empty()).collect();
            refused.push(asking(&format!("{pairs:?}"), &pairs, &LIMITS));
        }
        for field in fields.iter().filter(|field| !field.is("integer")) {
            let broken = format!("{path}?{}=%BE%C8", field.name);
            let broken = operation.good(world, &broken, *token);
            refused.push(self.refused("EUC-KR in the query", broken).is(400, "BROKEN_TEXT"));
        }
        for field in fields.iter().filter(|field| field.required) {
            let bare = self.refused("nothing", world.request(operation.method.clone(), path));
            refused.push(bare.has("query", &field.name, &["MISSING"]));
        }
        if fields.iter().any(|field| field.name == "cursor") {
            let forged = [("cursor", "bm90IGEgY3Vyc29y".into())];
            let forged = operation.request(world, path, *token, &forged);
            refused.push(self.refused("a forged cursor", forged).is(400, "CURSOR_INVALID"));
        }
        refused
    }

    fn body(&self, fields: &[Field]) -> Vec<Refused> {
        let sent = |what: &str, body: String| {
            let kind = (header::CONTENT_TYPE, "application/json");
            self.refused(what, self.sending().header(kind.0, kind.1).body(body))
        };
        let long = format!("\"{}\"", "a".repeat(65 * 1024));
        let text = self.sending().header(header::CONTENT_TYPE, "text/plain").body("{}");
        let wrong = fields.iter().map(|field| (field.name.clone(), json!({ "a": [1] })));
        let wrong = Value::Object(wrong.collect());
        let euc_kr =
            self.sending().header(header::CONTENT_TYPE, "application/json; charset=euc-kr");
        let euc_kr = self.refused("a charset that is not UTF-8", euc_kr.body("{}"));
        let raw = self.sending().header(header::CONTENT_TYPE, "application/json");
        let raw =
            self.refused("text in EUC-KR", raw.body(b"{\"a\":\"\xbe\xc8\xb3\xe7\"}".to_vec()));
        let packed = self.sending().header(header::CONTENT_TYPE, "application/json");
        let packed = packed.header(header::CONTENT_ENCODING, "gzip").body("{}");
        let flood =
            (0..5_000).map(|number| format!("\"{number}\":1")).collect::<Vec<_>>().join(",");
        let (tildes, twice) = ("~".repeat(30_000), vec![r#""":1"#; 5_000].join(","));
        let broken = vec!["\"\u{FFFD}\""; 5_000].join(",");
        let mut refused = vec![
            euc_kr.is(415, "NOT_JSON_TYPE"),
            // A gateway may put U+FFFD in the place of what it can't read.
            raw.has("body", "/a", &["BROKEN_TEXT"]),
            self.refused("a packed body", packed).is(415, "ENCODED"),
            sent("a flood", format!("{{{flood}}}")).faults(100),
            sent("a flood under a long name", format!(r#"{{"{tildes}":{{{twice}}}}}"#)).faults(100),
            sent("a flood in a list", format!(r#"{{"{tildes}":[{broken}]}}"#)).faults(100),
            sent("a long name", format!(r#"{{"{tildes}":1}}"#)).has("body", "", &["UNKNOWN_FIELD"]),
            sent("a deep body", "[".repeat(60_000)).is(400, "NOT_JSON"),
            sent("half a body", "{".into()).is(400, "NOT_JSON"),
            self.refused("text", text).is(415, "NOT_JSON_TYPE"),
            sent("a long body", long).is(413, "BODY_TOO_LARGE"),
            sent("a list", "[]".into()).has("body", "", &["TYPE"]),
            sent("more", r#"{"unknown":1}"#.into()).has("body", "/unknown", &["UNKNOWN_FIELD"]),
            // Every field wrong at once, and every fault told at once.
            fields.iter().fold(sent("objects", wrong.to_string()), |refused, field| {
                refused.has("body", &field.pointer(), &["TYPE"])
            }),
        ];
        for field in fields {
            let (name, pointer) = (&field.name, field.pointer());
            // Escaped, it is the same name.
            let escaped = format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]);
            for again in [name, &escaped] {
                let twice = format!(r#"{{"{name}":1,"{again}":null}}"#);
                refused.push(sent("a name twice", twice).has("body", &pointer, &["GIVEN_TWICE"]));
            }
            let broken = format!("{{\"{name}\":\"a\u{FFFD}\"}}");
            refused.push(sent("broken text", broken).has("body", &pointer, &["BROKEN_TEXT"]));
        }
        let required: Vec<_> = fields.iter().filter(|field| field.required).collect();
        if !required.is_empty() {
            let nothing = sent("nothing", "{}".into()).faults(required.len());
            refused.push(required.iter().fold(nothing, |refused, field| {
                refused.has("body", &field.pointer(), &["MISSING"])
            }));
        }
        for beyond in rounds(fields) {
            let body = beyond.iter().map(|(name, value)| (String::from(*name), value.clone()));
            let body = Value::Object(body.collect()).to_string();
            let sent = sent(&body, body.clone());
            refused.push(beyond.iter().fold(sent, |refused, (name, _)| {
                refused.has("body", &format!("/{name}"), &LIMITS)
            }));
        }
        refused
    }

    /// In an otherwise good body, ids that are none, and in the place of its own ids, ids of nothing.
    fn ids(&self, fields: &[Field]) -> Vec<Refused> {
        let Self { world, operation, .. } = self;
        let mut refused = Vec::new();
        for field in fields {
            let Some(kind) = field.id_of else { continue };
            let with = |id: &str| {
                let mut body = operation.good_body(world).unwrap_or_default();
                body[&field.name] = id.into();
                self.refused(id, self.sending().json(&body))
            };
            let has =
                operation.good_body(world).is_some_and(|body| body.get(&field.name).is_some());
            if has {
                let (status, code) = field.unknown();
                refused.push(with(unknown_id(kind)).is(status, code));
            }
            refused.extend(
                field
                    .wrong_ids()
                    .iter()
                    .map(|id| with(id).faults(1).has("body", &field.pointer(), &["FORMAT"])),
            );
        }
        refused
    }

    /// Good but for the headers that the route asks for.
    fn bare(&self) -> RequestBuilder {
        let Self { world, operation, path, token } = self;
        let request = world.request(operation.method.clone(), path);
        let request = request.bearer_auth(token.unwrap_or_default());
        operation.good_body(world).iter().fold(request, |request, body| request.json(body))
    }

    fn version(&self) -> Vec<Refused> {
        let refused = |what: &str, request, code| {
            self.refused(what, request).faults(1).has("header", "If-Match", &[code])
        };
        let with = |seen: &str| self.bare().header("If-Match", seen);
        vec![
            refused("no version", self.bare(), "IF_MATCH_MISSING"),
            refused("no tag", with("1"), "IF_MATCH_INVALID"),
            self.refused("a version of once", with("\"0\"")).is(412, "CHANGED_SINCE"),
        ]
    }

    fn key(&self) -> Vec<Refused> {
        const KEY: &str = "Idempotency-Key";
        let refused = |what: &str, request, code| {
            self.refused(what, request).faults(1).has("header", KEY, &[code])
        };
        vec![
            refused("no key", self.bare(), "IDEMPOTENCY_KEY_MISSING"),
            refused(
                "a long key",
                self.bare().header(KEY, "k".repeat(256)),
                "IDEMPOTENCY_KEY_INVALID",
            ),
            refused("an empty key", self.bare().header(KEY, ""), "IDEMPOTENCY_KEY_INVALID"),
        ]
    }
}

/// Each field's first value that its limits don't allow, then each one's second.
fn rounds(fields: &[Field]) -> impl Iterator<Item = Vec<(&str, Value)>> {
    let round = |round| {
        let beyond = fields
            .iter()
            .filter_map(|field| Some((&*field.name, field.beyond().into_iter().nth(round)?)));
        Some(beyond.collect::<Vec<_>>()).filter(|round| !round.is_empty())
    };
    (0..).map_while(round)
}

#[test]
fn every_route_refuses_bad_input_clearly_and_writes_nothing() {
    stack::run(async {
        let world = World::alone().await;
        let before = world.items().await;
        for operation in operations() {
            all_refused(Trial::new(&world, &operation).all()).await;
        }
        let nowhere = world.request(Method::GET, "/v1/nowhere");
        all_refused(vec![Refused::new("nowhere", nowhere).is(404, "ROUTE_NOT_FOUND")]).await;
        let after = world.items().await;
        let written: Vec<_> = after.symmetric_difference(&before).collect();
        assert!(written.is_empty(), "a refused request wrote something: {written:#?}");
    });
}

#[test]
fn a_browser_that_is_refused_is_shown_a_page_by_every_route() {
    stack::run(async {
        let world = World::new().await;
        let browser = [(header::ACCEPT, header::HeaderValue::from_static("text/html,*/*;q=0.8"))];
        for operation in operations() {
            let request = operation.request(
                &world,
                &operation.path(&world),
                None,
                &[("unknown", "1".into())],
            );
            let answer = request
                .headers(header::HeaderMap::from_iter(browser.clone()))
                .send()
                .await
                .unwrap();
            let is_page = answer.headers()[header::CONTENT_TYPE] == "text/html; charset=utf-8";
            assert!(
                is_page && (answer.status().is_client_error() || operation.name == "get_docs"),
                "{}",
                operation.name
            );
        }
    });
}

#[test]
fn every_route_refuses_what_only_a_person_knows_to_be_bad() {
    stack::run(async {
        let world = World::new().await;
        for operation in operations() {
            all_refused(rows(&world, &operation).refused).await;
        }
    });
}
