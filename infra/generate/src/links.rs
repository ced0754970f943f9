use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;
use utoipa::openapi::{RefOr, Response, link::Link};

use crate::{Part, sent::name};

/// An operation about a thing, by what its path calls the thing's id.
pub(crate) struct Reader {
    operation: &'static str,
    variable: String,
}

/// Every operation whose path names nothing but one id.
pub(crate) fn readers(parts: &[Part]) -> Vec<Reader> {
    let routes = parts.iter().flat_map(|part| &part.routes);
    let readers = routes.filter_map(|route| {
        let (_, rest) = route.path.split_once('{')?;
        let (variable, rest) = rest.split_once('}')?;
        let reads = variable.ends_with("Id") && !rest.contains('{');
        reads.then(|| Reader { operation: route.name, variable: variable.to_owned() })
    });
    readers.collect()
}

/// Tells which operations an answer leads to: those about the things whose ids it shows.
pub(crate) fn links(
    response: &mut Response,
    schemas: &Value,
    schema: &Value,
    own: &str,
    readers: &[Reader],
) {
    let shown = ids(schemas, schema);
    for reader in readers.iter().filter(|reader| reader.operation != own) {
        let Some(place) = shown.get(&reader.variable) else { continue };
        let link = Link::builder()
            .operation_id(reader.operation)
            .parameter(&reader.variable, format!("$response.body#{place}"));
        response.links.insert(reader.operation.to_owned(), RefOr::T(link.build()));
    }
}

/// The ids in an answer, each kind by the name of its variable with the place that is nearest to the top.
fn ids(schemas: &Value, answer: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut next = VecDeque::from([(String::new(), answer)]);
    while let Some((place, schema)) = next.pop_front() {
        let mut schema = schema;
        if let Some(reference) = schema["$ref"].as_str() {
            let kind = name(reference);
            if kind.ends_with("Id") {
                let variable = kind[..1].to_lowercase() + &kind[1..];
                found.entry(variable).or_insert(place);
                continue;
            }
            schema = &schemas[kind];
        }
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            next.push_back((format!("{place}/{field}"), schema));
        }
        if schema["items"].is_object() {
            next.push_back((format!("{place}/0"), &schema["items"]));
        }
    }
    found
}
