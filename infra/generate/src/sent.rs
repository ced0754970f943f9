use std::collections::BTreeMap;

use utoipa::openapi::{
    RefOr, Required, Schema,
    path::{Operation, ParameterIn},
    schema::{ArrayItems, Object},
};

pub(crate) type Schemas = BTreeMap<String, RefOr<Schema>>;

/// How an answer names a value that only a newer program knows.
const UNKNOWN: &str = "UNKNOWN";

/// Takes it out of what callers of an operation send: the parameters, and the body, which has a schema of its own.
pub(crate) fn sent(operation: &mut Operation, schemas: &mut Schemas) {
    let shown = schemas.clone();
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(schema) = &mut parameter.schema
        {
            close(schema, &shown);
        }
        if let RefOr::T(parameter) = parameter
            && matches!(parameter.parameter_in, ParameterIn::Query)
            && matches!(parameter.required, Required::False)
        {
            // A form's field that is left empty is not given. The library has no field for this keyword.
            parameter.extensions = Some([("allowEmptyValue", true)].into_iter().collect());
        }
    }
    let Some(RefOr::T(body)) = &operation.request_body else { return };
    for content in body.content.values() {
        if let RefOr::T(content) = content
            && let Some(RefOr::Ref(body)) = &content.schema
            && let Some(body) = schemas.get_mut(name(&body.ref_location))
        {
            close(body, &shown);
        }
    }
}

/// Refers no longer to what answers have, too, but says itself what is left of it.
fn close(schema: &mut RefOr<Schema>, shown: &Schemas) {
    if let RefOr::Ref(reference) = schema {
        match shown.get(name(&reference.ref_location)) {
            Some(choice @ RefOr::T(Schema::Object(object))) if is_open(object) => {
                *schema = choice.clone();
            }
            _ => return,
        }
    }
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            if let Some(values) = &mut object.enum_values {
                values.retain(|value| value != UNKNOWN);
            }
            object.properties.values_mut().for_each(|property| close(property, shown));
        }
        Schema::OneOf(one) => one.items.iter_mut().for_each(|item| close(item, shown)),
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                close(items, shown);
            }
        }
        _ => {}
    }
}

fn is_open(object: &Object) -> bool {
    object.enum_values.iter().flatten().any(|value| value == UNKNOWN)
}

/// The name of a schema that is referred to.
pub(crate) fn name(location: &str) -> &str {
    location.rsplit('/').next().unwrap_or(location)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::document;

    #[test]
    fn what_only_an_answer_may_say_nobody_is_asked_to_send() {
        let document: Value = serde_json::from_str(&document().unwrap()).unwrap();
        let schema = |name: &str| &document["components"]["schemas"][name];
        assert!(schema("Category")["enum"].as_array().unwrap().contains(&json!("UNKNOWN")));
        let shown = &schema("EventView")["properties"]["category"]["$ref"];
        assert_eq!(shown, "#/components/schemas/Category");
        let filters = document["paths"]["/v1/events"]["get"]["parameters"].to_string();
        assert!(filters.contains("WORKSHOP") && !filters.contains("UNKNOWN"), "{filters}");
        for body in ["CreateEvent", "CreatePayment", "SignUp"] {
            let properties = schema(body)["properties"].to_string();
            for open in ["UNKNOWN", "/Category\"", "/RefundPolicy\"", "/Purpose\"", "/Location\""] {
                assert!(!properties.contains(open), "{open} in {properties}");
            }
        }
        let categories = schema("CreateEvent")["properties"]["category"]["enum"].as_array();
        assert_eq!(categories.unwrap().len(), 6);
    }
}
