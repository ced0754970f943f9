use serde_json::{Map, Value};

use crate::sent::name;

/// What depends on each other, by the names of fields: two tickets of 30,000 won to a show that is still to come.
fn agreed(field: &str) -> Option<Value> {
    Some(match field {
        "saleStartsAt" => "2030-12-01T10:00:00+09:00".into(),
        "saleEndsAt" => "2030-12-24T18:00:00+09:00".into(),
        "startsAt" => "2030-12-24T19:30:00+09:00".into(),
        "endsAt" => "2030-12-24T21:30:00+09:00".into(),
        "listPrice" | "cash" => 60_000.into(),
        "coupon" | "points" => 0.into(),
        _ => return None,
    })
}

/// A value of a schema, put together from the examples of its fields. None where a text has no example.
pub(crate) fn example(schemas: &Value, schema: &Value) -> Option<Value> {
    let given =
        [&schema["example"], &schema["examples"][0], &schema["default"], &schema["enum"][0]];
    if let Some(given) = given.into_iter().find(|value| !value.is_null()) {
        return Some(given.clone());
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return example(schemas, &schemas[name(reference)]);
    }
    if let Some(forms) = schema["oneOf"].as_array() {
        return example(schemas, forms.iter().find(|form| form["type"] != "null")?);
    }
    if let Some(fields) = schema["properties"].as_object() {
        let value = |(field, schema): (&String, &Value)| {
            Some((field.clone(), agreed(field).or_else(|| example(schemas, schema))?))
        };
        return Some(fields.iter().filter_map(value).collect::<Map<_, _>>().into());
    }
    if schema["items"].is_object() {
        return Some(Value::Array(example(schemas, &schema["items"]).into_iter().collect()));
    }
    // What may be null is shown as what it is otherwise.
    let kind = &schema["type"];
    let kind = kind.as_array().and_then(|kinds| kinds.first()).unwrap_or(kind);
    match kind.as_str()? {
        "integer" => Some(schema["minimum"].as_i64().unwrap_or(1).into()),
        "boolean" => Some(true.into()),
        _ => None,
    }
}
