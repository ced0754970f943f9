use std::collections::BTreeMap;

use api::{Problem, ProblemDocument, Route};
use domain::fault::Code;
use serde_json::json;
use utoipa::{
    ToSchema,
    openapi::{
        Content, Header, Object, Ref, RefOr, Response, Schema,
        path::{Operation, Parameter, ParameterIn},
        schema::{AllOf, AllOfBuilder, Type},
    },
};

use crate::{codes, sent::Schemas};

/// Refusals that are no route's own, by their names.
pub(crate) type Shared = BTreeMap<String, RefOr<Response>>;

/// What the gateway and the frame around every handler refuse.
const ALWAYS: &[Code] = &[
    codes::BAD_REQUEST,
    api::codes::BROKEN_TEXT,
    api::codes::NOT_JSON,
    codes::FORBIDDEN,
    api::codes::BODY_TOO_LARGE,
    api::codes::ENCODED,
    api::codes::NOT_JSON_TYPE,
    api::codes::INVALID_FIELDS,
    store::codes::TOO_MANY_REQUESTS,
    aws::codes::SECRET_UNREADABLE,
    domain::codes::INTERNAL,
    aws::codes::SECRET_UNAVAILABLE,
    aws::codes::TIME_OVER,
    store::codes::STORE_OUTCOME_UNKNOWN,
    store::codes::STORE_UNAVAILABLE,
    codes::UNAVAILABLE,
];

const OF_MEMBERS: &[Code] =
    &[store::codes::SESSION_ENDED, api::codes::TOKEN_INVALID, domain::codes::SIGN_IN_REQUIRED];

const OF_CHANGES: &[Code] =
    &[domain::codes::CHANGED_SINCE, api::codes::IF_MATCH_MISSING, api::codes::IF_MATCH_INVALID];

const OF_KEYS: &[Code] = &[
    store::codes::IDEMPOTENCY_IN_PROGRESS,
    api::codes::IDEMPOTENCY_KEY_MISSING,
    api::codes::IDEMPOTENCY_KEY_INVALID,
    store::codes::IDEMPOTENCY_KEY_REUSED,
];

/// Writes into an operation what it may refuse, a status with its codes: what follows from its description, and the route's own.
/// What is no route's own stands once in the document, and its schema has a name, so that a generated client has one type of it.
pub(crate) fn refusals(
    route: &Route,
    operation: &mut Operation,
    shared: &mut Shared,
    schemas: &mut Schemas,
) {
    let mut statuses: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in implied(operation).chain(route.refuses.iter().copied()) {
        statuses.entry(status(code)).or_default().push(code);
    }
    let responses = &mut operation.responses.responses;
    for (status, codes) in statuses {
        let own = codes.iter().any(|code| route.refuses.contains(code));
        match responses.get_mut(&status.to_string()) {
            Some(RefOr::T(response)) => match response.content.shift_remove(PROBLEM) {
                // The route has described what it tells besides.
                Some(RefOr::T(Content { schema: Some(members), .. })) => {
                    *response = refused(status, &codes, document(&codes, Some(members)));
                }
                // Health is shown with a status that is a refusal elsewhere.
                _ => {
                    let refused = refused(status, &codes, document(&codes, None));
                    response.content.extend(refused.content);
                }
            },
            _ if own => {
                let refused = refused(status, &codes, document(&codes, None));
                responses.insert(status.to_string(), RefOr::T(refused));
            }
            _ => {
                // What is implied comes in one order, so the last code tells the sets apart.
                let name = codes.last().map_or_else(String::new, |code| pascal(code.name));
                let reference = Ref::from_response_name(&name);
                let schema = format!("{name}Problem");
                let named = RefOr::Ref(Ref::from_schema_name(&schema));
                schemas.insert(schema, document(&codes, None));
                shared.insert(name, RefOr::T(refused(status, &codes, named)));
                responses.insert(status.to_string(), RefOr::Ref(reference));
            }
        }
    }
    let mut any = Response::new("Refused with a code that this document does not know yet.");
    any.content.insert(PROBLEM.into(), RefOr::T(Content::new(Some(RefOr::Ref(problem())))));
    responses.insert("default".into(), RefOr::T(any));
}

const PROBLEM: &str = "application/problem+json";

/// What an operation refuses because of who may call it and of what it takes.
fn implied(operation: &Operation) -> impl Iterator<Item = Code> + use<> {
    let parameters = operation.parameters.iter().flatten();
    let parameters: Vec<&Parameter> = parameters
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
        .collect();
    let takes = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
    let is_path = |parameter: &&Parameter| matches!(parameter.parameter_in, ParameterIn::Path);
    let callers = serde_json::to_value(&operation.security).unwrap_or_default();
    let codes = [
        (true, ALWAYS),
        (takes("cursor"), &[api::codes::CURSOR_INVALID][..]),
        (callers[0].is_object(), OF_MEMBERS),
        (callers[0]["bearer"][0] == "ARTIST", &[domain::codes::ARTISTS_ONLY]),
        (parameters.iter().any(is_path), &[api::codes::NOT_FOUND]),
        (takes("If-Match"), OF_CHANGES),
        (takes("Idempotency-Key"), OF_KEYS),
    ];
    codes.into_iter().filter(|(is_so, _)| *is_so).flat_map(|(_, codes)| codes.iter().copied())
}

fn status(code: Code) -> u16 {
    match code {
        api::codes::BODY_TOO_LARGE => 413,
        api::codes::ENCODED | api::codes::NOT_JSON_TYPE => 415,
        code => Problem::new(code).http_status().as_u16(),
    }
}

/// A problem document with one of some codes, and perhaps members of its own.
fn document(codes: &[Code], members: Option<RefOr<Schema>>) -> RefOr<Schema> {
    let names = codes.iter().map(|code| code.name);
    let code = Object::builder().schema_type(Type::String).enum_values(Some(names));
    let document = AllOf::builder().item(problem()).item(Object::builder().property("code", code));
    RefOr::T(members.into_iter().fold(document, AllOfBuilder::item).build().into())
}

/// A refusal: a document for a program, a page for a browser.
fn refused(status: u16, codes: &[Code], document: RefOr<Schema>) -> Response {
    let lines = codes.iter().map(|code| format!("- `{}`: {}", code.name, code.detail.english));
    let mut response = Response::new(lines.collect::<Vec<_>>().join("\n"));
    let mut content = Content::new(Some(document));
    content.example = codes.last().map(|code| {
        json!({
            "type": "about:blank", "title": code.title.english, "status": status, "detail": code.detail.english,
            "code": code.name, "errors": [], "requestId": "8e2a1f6c-5d0b-4a39-9a77-0c1f2e3d4b5a",
        })
    });
    response.content.insert(PROBLEM.into(), RefOr::T(content));
    let page = Content::new(Some(RefOr::T(Object::with_type(Type::String).into())));
    response.content.insert("text/html".into(), RefOr::T(page));
    if matches!(status, 409 | 429 | 503) {
        let mut wait = Header::new(Object::with_type(Type::Integer));
        wait.description =
            Some("After how many seconds the same request may be sent again.".into());
        response.headers.insert("Retry-After".into(), RefOr::T(wait));
    }
    response
}

fn problem() -> Ref {
    Ref::from_schema_name(ProblemDocument::name())
}

/// `SOLD_OUT` as `SoldOut`.
fn pascal(name: &str) -> String {
    let word = |word: &str| word[..1].to_owned() + &word[1..].to_lowercase();
    name.split('_').map(word).collect()
}
