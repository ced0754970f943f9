use std::collections::BTreeMap;

use domain::fault::{Code, Localized};
use serde_json::{Value, json};

use crate::{Part, codes};

/// The routes as API Gateway reads them (OpenAPI 3.0.1). `template.yaml` includes this as the REST
/// API's body, so `${Stage}` is its own. A function, and the role that may call a part's, are named by convention, so the
/// body needs nothing of the nested stacks.
pub fn gateway(parts: &[Part]) -> Value {
    let mut paths: BTreeMap<&str, serde_json::Map<String, Value>> = BTreeMap::new();
    let routes = parts.iter().flat_map(|part| part.routes.iter().map(move |route| (part, route)));
    for (part, route) in routes {
        let method = serde_json::to_value(&route.method).unwrap_or_default();
        let operation = json!({
            "operationId": route.name,
            "parameters": path_parameters(&route.path),
            "responses": {},
            "x-amazon-apigateway-integration": {
                "type": "aws_proxy",
                "httpMethod": "POST",
                "credentials": { "Fn::Sub": role(part.name) },
                "uri": { "Fn::Sub": function(route.name) },
            },
        });
        let method = method.as_str().unwrap_or("get").to_owned();
        let methods = paths.entry(&route.path).or_default();
        if method == "get" {
            // What GET answers, without its body (RFC 9110, 9.3.2).
            let mut head = operation.clone();
            head["operationId"] = format!("head_{}", route.name).into();
            methods.insert("head".into(), head);
        }
        methods.insert(method, operation);
    }
    for (path, item) in &mut paths {
        let allowed: Vec<_> = item.keys().map(|method| method.to_uppercase()).collect();
        item.insert(
            "x-amazon-apigateway-any-method".into(),
            wrong_method(path, &allowed.join(", ")),
        );
    }
    json!({
        "openapi": "3.0.1",
        "info": { "title": "spotlight-space", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        // What a function answers in base64, and whoever's `Accept` names it first gets as the bytes that it is.
        "x-amazon-apigateway-binary-media-types": ["image/png"],
        "x-amazon-apigateway-gateway-responses": gateway_responses(),
    })
}

fn function(name: &str) -> String {
    format!(
        "arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/\
         arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:${{Stage}}-{name}:live/invocations"
    )
}

/// The role as which the gateway calls a part's functions, so that none needs a permission of its own.
fn role(part: &str) -> String {
    format!("arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/${{Stage}}-{part}-api")
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })).collect()
}

const BODIES: [&str; 4] =
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// A known path with another method: 405, and `Allow` names what is there.
fn wrong_method(path: &str, allow: &str) -> Value {
    let problem = problem(405, codes::METHOD_NOT_ALLOWED);
    let mut headers = guards("method.response.header");
    headers.insert("method.response.header.allow".into(), format!("'{allow}'"));
    let named = |name: &String| {
        (name.replace("method.response.header.", ""), json!({ "schema": { "type": "string" } }))
    };
    let declared: BTreeMap<_, _> = headers.keys().map(named).collect();
    json!({
        "parameters": path_parameters(path),
        "responses": { "405": { "description": "Method not allowed", "headers": declared } },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "passthroughBehavior": "never",
            // Of the bodies that people send; the mock only needs to be told which answer to give.
            "requestTemplates": BODIES.map(|body| (body.to_owned(), "{\"statusCode\": 405}")).into_iter().collect::<BTreeMap<_, _>>(),
            "responses": { "default": {
                "statusCode": "405",
                "responseParameters": headers,
                "responseTemplates": { "application/problem+json": problem },
            } },
        },
    })
}

/// What the gateway refuses itself becomes the same problem documents; of bodies beyond what a function can be given it says so in
/// words of its own.
fn gateway_responses() -> Value {
    let rows = [
        // An unknown route arrives as a missing token or, with a bearer token, as a signature that is none.
        ("MISSING_AUTHENTICATION_TOKEN", 404, codes::ROUTE_NOT_FOUND),
        ("INVALID_SIGNATURE", 404, codes::ROUTE_NOT_FOUND),
        ("ACCESS_DENIED", 404, codes::ROUTE_NOT_FOUND),
        ("RESOURCE_NOT_FOUND", 404, codes::ROUTE_NOT_FOUND),
        // A function that runs as often as it may.
        ("API_CONFIGURATION_ERROR", 503, codes::UNAVAILABLE),
        ("INTEGRATION_FAILURE", 503, codes::UNAVAILABLE),
        ("INTEGRATION_TIMEOUT", 503, codes::UNAVAILABLE),
        ("UNSUPPORTED_MEDIA_TYPE", 415, api::codes::NOT_JSON_TYPE),
        ("THROTTLED", 429, store::codes::TOO_MANY_REQUESTS),
        ("WAF_FILTERED", 403, codes::FORBIDDEN),
        ("DEFAULT_4XX", 400, codes::BAD_REQUEST),
        ("DEFAULT_5XX", 500, domain::codes::INTERNAL),
    ];
    let row = |(kind, status, code): (&str, u16, Code)| {
        let mut headers = guards("gatewayresponse.header");
        let mut add = |name, value: &str| {
            headers.insert(format!("gatewayresponse.header.{name}"), value.into())
        };
        add("content-type", "'application/problem+json'");
        if matches!(status, 429 | 500 | 503) {
            add("retry-after", "'1'");
        }
        let response = json!({
            "statusCode": status,
            "responseParameters": headers,
            "responseTemplates": { "application/json": problem(status, code) },
        });
        (kind.to_owned(), response)
    };
    Value::Object(rows.map(row).into_iter().collect())
}

/// The headers that every answer of ours has, as the gateway writes them: constants in quotes, and its own values by name. One that
/// has quotes in it can't be written so; it is about pages, which the gateway has none of.
fn guards(place: &str) -> BTreeMap<String, String> {
    let constants = api::GUARDS.iter().filter(|(_, value)| !value.contains('\''));
    let constants = constants.map(|(name, value)| (name.as_str(), format!("'{value}'")));
    let own = [
        ("content-language", "'ko, en'".to_owned()),
        ("x-request-id", "context.requestId".to_owned()),
    ];
    constants.chain(own).map(|(name, value)| (format!("{place}.{name}"), value)).collect()
}

/// A problem document as a template of the gateway. The gateway can't choose a language, so it says it in both.
fn problem(status: u16, code: Code) -> String {
    let both = |text: Localized<&str>| format!("{} {}", text.korean, text.english);
    let title = format!("{} / {}", code.title.korean, code.title.english);
    ascii(&json!({
        "type": "about:blank", "title": title, "status": status, "detail": both(code.detail),
        "code": code.name, "errors": [], "requestId": "$context.requestId",
    }))
}

/// JSON in ASCII. Of other letters CloudFormation tells nobody more than `?`, and passes them on to some services so.
fn ascii(value: &Value) -> String {
    let mut ascii = String::new();
    for letter in value.to_string().chars() {
        if letter.is_ascii() {
            ascii.push(letter);
        } else {
            ascii.extend(
                letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")),
            );
        }
    }
    ascii
}
