//! What in a new document breaks callers of an old one. What callers send may only come to be more, and what they are answered
//! less: then all that they send is still taken, and they meet nothing that they were not told of.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use serde_json::{Map, Value, json};

/// Every change that breaks callers, in words that are the same for the same change.
pub fn breaking(old: &Value, new: &Value) -> BTreeSet<String> {
    let mut changes = Changes { old, new, told: BTreeSet::new(), known: BTreeSet::new() };
    let now = operations(new);
    for (route, (path, was)) in operations(old) {
        let place = format!("{} {path}", route.0);
        match now.get(&route) {
            Some((path_now, is)) => {
                let (was_given, is_given) = (parameters(path, was), parameters(path_now, is));
                changes.parameters(&place, &was_given, &is_given);
                changes.operation(&place, was, is);
            }
            None => changes.tell(place, "is gone"),
        }
    }
    changes.told
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    Sent,
    Answered,
}

impl Direction {
    /// The two in an order in which the second has to allow all that the first does.
    fn order<T>(self, was: T, is: T) -> (T, T) {
        match self {
            Self::Sent => (was, is),
            Self::Answered => (is, was),
        }
    }

    fn at(self, place: &str) -> String {
        match self {
            Self::Sent => format!("{place} (sent)"),
            Self::Answered => format!("{place} (answered)"),
        }
    }
}

struct Changes<'a> {
    old: &'a Value,
    new: &'a Value,
    told: BTreeSet<String>,
    /// The names that a schema had and has, where they are compared already, or just now.
    known: BTreeSet<(String, String, Direction)>,
}

impl Changes<'_> {
    fn tell(&mut self, place: impl Display, change: impl Display) {
        self.told.insert(format!("{place}: {change}"));
    }

    fn parameters(&mut self, place: &str, was: &Parameters, is: &Parameters) {
        for (name, parameter) in was {
            let place = format!("{place} {name}");
            let Some(now) = is.get(name) else {
                self.tell(place, "is gone");
                continue;
            };
            if now["required"] == true && parameter["required"] != true {
                self.tell(&place, "is required");
            }
            self.schema(Direction::Sent, &place, &parameter["schema"], &now["schema"]);
        }
        for (name, parameter) in is {
            if !was.contains_key(name) && parameter["required"] == true {
                self.tell(format!("{place} {name}"), "is required");
            }
        }
    }

    fn operation(&mut self, place: &str, was: &Value, is: &Value) {
        if !still_enough(&was["security"], &is["security"]) {
            self.tell(place, format!("asks for {}", is["security"]));
        }
        let (body, body_now) = (&was["requestBody"], &is["requestBody"]);
        if body_now["required"] == true && body["required"] != true {
            self.tell(place, "asks for a body");
        }
        self.content(Direction::Sent, &format!("{place} body"), body, body_now);
        for (status, answer) in entries(&was["responses"]) {
            let place = format!("{place} {status}");
            let Some(now) = is["responses"].get(status) else {
                self.tell(place, "is gone");
                continue;
            };
            let (answer, now) = (target(self.old, answer), target(self.new, now));
            for (header, _) in entries(&answer["headers"]) {
                if now["headers"].get(header).is_none() {
                    self.tell(format!("{place} header {header}"), "is gone");
                }
            }
            self.content(Direction::Answered, &place, answer, now);
        }
    }

    fn content(&mut self, direction: Direction, place: &str, was: &Value, is: &Value) {
        for (kind, content) in entries(&was["content"]) {
            match is["content"].get(kind) {
                // `default` says that there may be a new one. One that is gone is waited for in vain.
                Some(now) if !codes(self.old, content).is_empty() => {
                    let now = codes(self.new, now);
                    for code in codes(self.old, content) {
                        if !now.contains(&code) {
                            self.tell(format!("{place} code {code}"), "is gone");
                        }
                    }
                }
                Some(now) => self.schema(direction, place, &content["schema"], &now["schema"]),
                None => self.tell(format!("{place} as {kind}"), "is gone"),
            }
        }
    }

    /// A named schema is compared once, under its name. One that has no name, or came to have another, is compared where it
    /// stands.
    fn schema(&mut self, direction: Direction, place: &str, was: &Value, is: &Value) {
        let ((was, was_null), (is, is_null)) = (not_null(was), not_null(is));
        if direction.order(was_null, is_null) == (true, false) {
            let change = format!("null was {was_null}, is {is_null}");
            self.tell(direction.at(place), change);
        }
        let (Some(old), Some(new)) = (name(&was), name(&is)) else {
            return self.keywords(direction, place, &was, &is);
        };
        let names = (old.to_owned(), new.to_owned(), direction);
        if !self.known.insert(names.clone()) {
            return;
        }
        if old == new {
            return self.keywords(direction, old, &was, &is);
        }
        self.keywords(direction, place, &was, &is);
        self.known.remove(&names);
    }

    fn keywords(&mut self, direction: Direction, place: &str, was: &Value, is: &Value) {
        let was = Value::Object(resolved(self.old, was));
        let is = Value::Object(resolved(self.new, is));
        let (from, to) = direction.order(&was, &is);
        for (keyword, limit) in entries(to) {
            if narrower(keyword, &from[keyword], limit) {
                let change = format!("{keyword} was {}, is {}", was[keyword], is[keyword]);
                self.tell(direction.at(place), change);
            }
        }
        for field in texts(&to["required"]) {
            let gone = is["properties"].get(field).is_none();
            if !gone && !texts(&from["required"]).contains(&field) {
                let (change, _) = direction.order("is required", "may be absent");
                self.tell(direction.at(&format!("{place}/{field}")), change);
            }
        }
        for (field, schema) in entries(&was["properties"]) {
            let place = format!("{place}/{field}");
            match is["properties"].get(field) {
                Some(now) => self.schema(direction, &place, schema, now),
                None => self.tell(direction.at(&place), "is gone"),
            }
        }
        for inside in ["items", "additionalProperties"] {
            if was[inside].is_object() && is[inside].is_object() {
                self.schema(direction, &format!("{place}/*"), &was[inside], &is[inside]);
            }
        }
        self.forms(direction, place, &was["oneOf"], &is["oneOf"]);
    }

    /// A form of a union that is sent must still be one of the forms; one that is answered must have been one.
    fn forms(&mut self, direction: Direction, place: &str, was: &Value, is: &Value) {
        let (Some(was), Some(is)) = (was.as_array(), is.as_array()) else { return };
        let (from, to) = direction.order(was, is);
        for (number, form) in from.iter().enumerate() {
            let same = |other: &Value| {
                let (was, is) = direction.order(form, other);
                let known = self.known.clone();
                let mut inside = Changes { told: BTreeSet::new(), known, ..*self };
                inside.keywords(direction, place, was, is);
                inside.told.is_empty()
            };
            if !to.iter().any(same) {
                let form = name(form).map_or_else(|| number.to_string(), str::to_owned);
                let (change, _) = direction.order("is gone", "is new");
                self.tell(direction.at(&format!("{place} form {form}")), change);
            }
        }
    }
}

/// Whether a keyword allows less with `to` than with `from`. One that is not known here does, unless nothing has changed.
fn narrower(keyword: &str, from: &Value, to: &Value) -> bool {
    match keyword {
        "title" | "description" | "examples" | "example" | "default" | "deprecated" => false,
        // They are compared field by field.
        "required" | "properties" | "items" => false,
        "additionalProperties" => {
            let taken = *from == false || *to == true || (from.is_object() && to.is_object());
            !taken
        }
        _ if from.is_null() => true,
        "oneOf" => false,
        "type" => {
            let (from, to) = (kinds(from), kinds(to));
            let taken = |kind| to.contains(kind) || (*kind == "integer" && to.contains(&"number"));
            !from.iter().all(taken)
        }
        "enum" => {
            let taken = |value| to.as_array().is_some_and(|to| to.contains(value));
            !from.as_array().is_some_and(|from| from.iter().all(taken))
        }
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => {
            from.as_f64() > to.as_f64()
        }
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => {
            from.as_f64() < to.as_f64()
        }
        _ => from != to,
    }
}

/// A schema with what it refers to, and what it is put together from.
fn resolved(document: &Value, schema: &Value) -> Map<String, Value> {
    let mut whole = Map::new();
    if let Some(target) = schema["$ref"].as_str() {
        let target = document.pointer(target.trim_start_matches('#'));
        whole = resolved(document, target.unwrap_or(&Value::Null));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        add(&mut whole, resolved(document, part));
    }
    let mut own = schema.as_object().cloned().unwrap_or_default();
    own.remove("$ref");
    own.remove("allOf");
    add(&mut whole, own);
    whole
}

/// Adds fields, and what is required, to those that are there; the rest is said anew.
fn add(whole: &mut Map<String, Value>, more: Map<String, Value>) {
    for (keyword, value) in more {
        match (whole.get_mut(&keyword), value) {
            (Some(Value::Object(fields)), Value::Object(more)) => fields.extend(more),
            (Some(Value::Array(names)), Value::Array(more)) if keyword == "required" => {
                names.extend(more);
            }
            (_, value) => {
                whole.insert(keyword, value);
            }
        }
    }
}

/// A schema without the `null` that is allowed besides, and whether it is.
fn not_null(schema: &Value) -> (Value, bool) {
    let is_null = |form: &Value| form == "null" || form["type"] == "null";
    for keyword in ["oneOf", "type"] {
        let Some(forms) = schema[keyword].as_array() else { continue };
        let other: Vec<_> = forms.iter().filter(|form| !is_null(form)).cloned().collect();
        if other.len() == forms.len() {
            continue;
        }
        let mut rest = schema.clone();
        rest[keyword] = other.clone().into();
        return match (keyword, &other[..]) {
            ("oneOf", [form]) => (form.clone(), true),
            _ => (rest, true),
        };
    }
    (schema.clone(), false)
}

/// What stands somewhere, or what is referred to there.
fn target<'a>(document: &'a Value, there: &'a Value) -> &'a Value {
    let target = there["$ref"].as_str();
    let target = target.and_then(|target| document.pointer(target.trim_start_matches('#')));
    target.unwrap_or(there)
}

/// The codes that a refusal may have.
fn codes<'a>(document: &'a Value, content: &'a Value) -> Vec<&'a str> {
    let forms = target(document, &content["schema"])["allOf"].as_array().into_iter().flatten();
    forms.flat_map(|form| texts(&form["properties"]["code"]["enum"])).collect()
}

/// What a schema refers to.
fn name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// Every operation with its path, by its method and place: callers don't see what a path's variables are called.
fn operations(document: &Value) -> BTreeMap<(String, String), (&str, &Value)> {
    let mut operations = BTreeMap::new();
    for (path, item) in entries(&document["paths"]) {
        let pieces = path.split('/').map(|piece| if piece.starts_with('{') { "{}" } else { piece });
        let place = pieces.collect::<Vec<_>>().join("/");
        for (method, operation) in entries(item) {
            let route = (method.to_uppercase(), place.clone());
            operations.insert(route, (path.as_str(), operation));
        }
    }
    operations
}

type Parameters<'a> = BTreeMap<String, &'a Value>;

/// Every parameter by where it stands and its name; a path's variables by their order.
fn parameters<'a>(path: &str, operation: &'a Value) -> Parameters<'a> {
    let given = operation["parameters"].as_array().into_iter().flatten();
    let named = given.filter_map(|parameter| {
        let (place, name) = (parameter["in"].as_str()?, parameter["name"].as_str()?);
        if place != "path" {
            return Some((format!("{place} {name}"), parameter));
        }
        let before = path.split(&format!("{{{name}}}")).next()?;
        Some((format!("variable {}", before.matches('{').count() + 1), parameter))
    });
    named.collect()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// One kind of value, or several.
fn kinds(value: &Value) -> Vec<&str> {
    value.as_str().map_or_else(|| texts(value), |kind| vec![kind])
}

/// Whether each way to be let in is one still; without any, everybody is.
fn still_enough(was: &Value, is: &Value) -> bool {
    let ways = |security: &Value| match security.as_array() {
        Some(ways) if !ways.is_empty() => ways.clone(),
        _ => vec![json!({})],
    };
    let now = ways(is);
    now.contains(&json!({})) || ways(was).iter().all(|way| now.contains(way))
}

#[cfg(test)]
mod tests {
    use std::slice;

    use serde_json::json;

    use super::*;
    use crate::{openapi, parts};

    /// A part's document: small enough to change it in every place, and it has all that others have.
    fn document() -> Value {
        let part = parts().into_iter().find(|part| part.name == "payments").unwrap();
        serde_json::to_value(openapi(slice::from_ref(&part)).unwrap()).unwrap()
    }

    fn pointer(to: &str, name: &str) -> String {
        format!("{to}/{}", name.replace('~', "~0").replace('/', "~1"))
    }

    /// Where each operation stands, with its place in words.
    fn operations(document: &Value) -> Vec<(String, String)> {
        let mut operations = Vec::new();
        for (path, item) in entries(&document["paths"]) {
            for (method, _) in entries(item) {
                let at = pointer(&pointer("/paths", path), method);
                operations.push((at, format!("{} {path}", method.to_uppercase())));
            }
        }
        operations
    }

    fn without(document: &Value, at: &str) -> Value {
        let mut changed = document.clone();
        let (parent, name) = at.rsplit_once('/').unwrap();
        let name = name.replace("~1", "/").replace("~0", "~");
        match changed.pointer_mut(parent).unwrap() {
            Value::Object(fields) => drop(fields.remove(&name).unwrap()),
            Value::Array(list) => drop(list.remove(name.parse().unwrap())),
            other => panic!("{at}: {other}"),
        }
        changed
    }

    fn with(document: &Value, at: &str, value: Value) -> Value {
        let mut changed = document.clone();
        let (parent, name) = at.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[name] = value;
        changed
    }

    fn told(old: &Value, new: &Value) -> Vec<String> {
        breaking(old, new).into_iter().collect()
    }

    #[test]
    fn an_operation_a_status_a_header_and_a_form_that_are_gone_are_named() {
        let document = document();
        assert_eq!(told(&document, &document), [""; 0]);
        for (at, place) in operations(&document) {
            let is_gone = |at: &str, place: &str| {
                assert_eq!(told(&document, &without(&document, at)), [format!("{place}: is gone")]);
                assert_eq!(told(&without(&document, at), &document), [""; 0], "{place} is new");
            };
            is_gone(&at, &place);
            let operation = document.pointer(&at).unwrap();
            for (status, answer) in entries(&operation["responses"]) {
                let (at, place) = (format!("{at}/responses/{status}"), format!("{place} {status}"));
                is_gone(&at, &place);
                for (header, _) in entries(&answer["headers"]) {
                    is_gone(&format!("{at}/headers/{header}"), &format!("{place} header {header}"));
                }
                for (kind, _) in entries(&answer["content"]) {
                    let at = pointer(&format!("{at}/content"), kind);
                    is_gone(&at, &format!("{place} as {kind}"));
                }
            }
            for (kind, _) in entries(&operation["requestBody"]["content"]) {
                let at = pointer(&format!("{at}/requestBody/content"), kind);
                is_gone(&at, &format!("{place} body as {kind}"));
            }
        }
    }

    #[test]
    fn a_code_may_be_new_but_not_gone_and_nobody_is_asked_for_a_token_by_saying_that_none_is_needed()
     {
        let document = document();
        let codes = "/paths/~1v1~1payments/post/responses/409/content/application~1problem+json/schema/allOf/1/properties/code/enum";
        let terms = document.pointer(codes).unwrap().as_array().unwrap();
        let terms = terms.iter().position(|code| code == "TERMS_CHANGED").unwrap();
        let fewer = without(&document, &format!("{codes}/{terms}"));
        let gone = "POST /v1/payments 409 code TERMS_CHANGED: is gone";
        assert_eq!(told(&document, &fewer), [gone]);
        assert_eq!(told(&fewer, &document), [""; 0]);

        let at = "/components/schemas/SignInRequiredProblem/allOf/1/properties/code/enum/0";
        let shared = told(&document, &without(&document, at));
        assert!(shared.contains(&"POST /v1/payments 401 code SESSION_ENDED: is gone".to_owned()));

        let public = "/paths/~1v1~1payments~1{paymentId}~1returns~1{token}~1cancel/get/security";
        assert_eq!(told(&without(&document, public), &document), [""; 0]);
    }

    #[test]
    fn a_parameter_that_is_gone_or_required_is_named() {
        let document = document();
        for (at, place) in operations(&document) {
            let operation = document.pointer(&at).unwrap();
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for (number, parameter) in parameters.iter().enumerate() {
                if parameter["in"] == "path" {
                    continue;
                }
                let (where_, name) = (&parameter["in"], &parameter["name"]);
                let place =
                    format!("{place} {} {}", where_.as_str().unwrap(), name.as_str().unwrap());
                let at = format!("{at}/parameters/{number}");
                let absent = without(&document, &at);
                assert_eq!(told(&document, &absent), [format!("{place}: is gone")]);
                let required = with(&document, &format!("{at}/required"), true.into());
                let optional = with(&document, &format!("{at}/required"), false.into());
                let named = [format!("{place}: is required")];
                assert_eq!(told(&optional, &required), named);
                assert_eq!(told(&absent, &required), named);
                assert_eq!(told(&required, &optional), [""; 0]);
                assert_eq!(told(&absent, &optional), [""; 0]);
            }
        }
    }

    #[test]
    fn a_path_variable_may_be_called_otherwise_but_must_take_the_same() {
        let document = document();
        let renamed: Value =
            serde_json::from_str(&document.to_string().replace("paymentId", "id")).unwrap();
        let gone = told(&document, &renamed);
        assert!(gone.iter().all(|change| !change.contains("/v1/")), "{gone:?}");
        let at = "/paths/~1v1~1payments~1{paymentId}/get/parameters/0/schema";
        let other = with(&document, at, json!({ "type": "string", "pattern": "^other_" }));
        let named = told(&document, &other);
        assert_eq!(named.len(), 1, "{named:?}");
        assert!(
            named[0].starts_with("GET /v1/payments/{paymentId} variable 1 (sent): pattern was")
        );
    }

    #[test]
    fn a_route_that_comes_to_ask_for_a_body_or_a_token_is_named() {
        let document = document();
        let create = "/paths/~1v1~1payments/post";
        let optional =
            with(&document, &format!("{create}/security"), json!([{ "bearer": [] }, {}]));
        assert_eq!(told(&document, &optional), [] as [&str; 0], "a token is enough, as before");
        for (field, words) in [("requestBody", "asks for a body"), ("security", "asks for [")] {
            let without = without(&document, &format!("{create}/{field}"));
            let named = told(&without, &document);
            assert_eq!(named.len(), 1, "{named:?}");
            assert!(named[0].starts_with(&format!("POST /v1/payments: {words}")), "{named:?}");
        }
        let artists = json!([{ "bearer": ["ARTIST"] }]);
        let artists = with(&document, &format!("{create}/security"), artists);
        assert_eq!(
            told(&document, &artists),
            ["POST /v1/payments: asks for [{\"bearer\":[\"ARTIST\"]}]"]
        );
    }

    /// Every schema that is met in a direction, by its pointer.
    fn schemas(document: &Value, direction: Direction) -> BTreeSet<String> {
        let mut met = BTreeSet::new();
        for (at, _) in operations(document) {
            let operation = document.pointer(&at).unwrap();
            let contents = |at: String| {
                let content = document.pointer(&at).cloned().unwrap_or_default();
                let kinds: Vec<_> = entries(&content).map(|(kind, _)| pointer(&at, kind)).collect();
                kinds.into_iter().map(|at| format!("{at}/schema"))
            };
            let roots: Vec<_> = match direction {
                Direction::Sent => {
                    let given = operation["parameters"].as_array().map_or(0, Vec::len);
                    let given = (0..given).map(|number| format!("{at}/parameters/{number}/schema"));
                    given.chain(contents(format!("{at}/requestBody/content"))).collect()
                }
                Direction::Answered => {
                    let answers = entries(&operation["responses"]);
                    let at = answers.map(|(status, _)| format!("{at}/responses/{status}/content"));
                    at.flat_map(contents).collect()
                }
            };
            roots.into_iter().for_each(|root| meet(document, root, &mut met));
        }
        met
    }

    fn meet(document: &Value, at: String, met: &mut BTreeSet<String>) {
        if !met.insert(at.clone()) {
            return;
        }
        let schema = document.pointer(&at).unwrap();
        if let Some(target) = schema["$ref"].as_str() {
            meet(document, target.trim_start_matches('#').to_owned(), met);
        }
        for (field, _) in entries(&schema["properties"]) {
            meet(document, pointer(&format!("{at}/properties"), field), met);
        }
        if schema["items"].is_object() {
            meet(document, format!("{at}/items"), met);
        }
        for (number, _) in schema["oneOf"].as_array().into_iter().flatten().enumerate() {
            meet(document, format!("{at}/oneOf/{number}"), met);
        }
    }

    /// How a schema can come to allow less: what it is before and after, and a word that names the change.
    fn narrowed(schema: &Value) -> Vec<(Value, Value, String)> {
        let mut narrowed = Vec::new();
        let mut narrow = |keyword: &str, value: Value| {
            let mut narrow = schema.clone();
            narrow[keyword] = value;
            narrowed.push((schema.clone(), narrow, keyword.to_owned()));
        };
        if schema["type"] == "string" {
            narrow("maxLength", schema["maxLength"].as_u64().map_or(9, |most| most - 1).into());
            narrow("minLength", schema["minLength"].as_u64().map_or(1, |least| least + 1).into());
            if schema["pattern"].is_null() {
                narrow("pattern", "^a$".into());
            }
        }
        if schema["type"] == "integer" {
            narrow("maximum", schema["maximum"].as_i64().map_or(9, |most| most - 1).into());
            narrow("minimum", schema["minimum"].as_i64().map_or(1, |least| least + 1).into());
            narrow("multipleOf", 2.into());
        }
        if schema["type"] == "array" {
            narrow("maxItems", 3.into());
        }
        if let Some([_, rest @ ..]) = schema["enum"].as_array().map(Vec::as_slice) {
            narrow("enum", rest.into());
        }
        if schema["type"] == "object" && schema["additionalProperties"].is_null() {
            narrow("additionalProperties", false.into());
        }
        if let Some([required @ .., last]) = schema["required"].as_array().map(Vec::as_slice) {
            let mut wide = schema.clone();
            wide["required"] = required.into();
            narrowed.push((wide, schema.clone(), last.as_str().unwrap().to_owned()));
        }
        narrowed
    }

    #[test]
    fn what_is_sent_may_not_be_narrowed_and_what_is_answered_may_not_be_widened() {
        let document = document();
        let sent = schemas(&document, Direction::Sent);
        let answered = schemas(&document, Direction::Answered);
        let mut tried = 0;
        for at in sent.union(&answered) {
            for (wide, narrow, word) in narrowed(document.pointer(at).unwrap()) {
                let (wide, narrow) = (with(&document, at, wide), with(&document, at, narrow));
                let named = |changes: Vec<String>, end: &str| {
                    changes.iter().any(|change| change.contains(&word) && change.contains(end))
                };
                let narrowing = named(told(&wide, &narrow), "(sent)");
                assert_eq!(narrowing, sent.contains(at), "{at} {word} is narrowed");
                let widening = named(told(&narrow, &wide), "(answered)");
                assert_eq!(widening, answered.contains(at), "{at} {word} is widened");
                tried += 1;
            }
        }
        assert!(tried > 100, "{tried}");
    }

    #[test]
    fn a_field_that_is_gone_and_a_value_of_another_kind_are_named_both_ways() {
        let document = document();
        for (direction, way) in [(Direction::Sent, "(sent)"), (Direction::Answered, "(answered)")] {
            for at in schemas(&document, direction) {
                let schema = document.pointer(&at).unwrap();
                for (field, _) in entries(&schema["properties"]) {
                    let mut changed = without(&document, &format!("{at}/properties/{field}"));
                    let required = &mut changed.pointer_mut(&at).unwrap()["required"];
                    *required = json!(
                        texts(required)
                            .into_iter()
                            .filter(|name| name != field)
                            .collect::<Vec<_>>()
                    );
                    let end = format!("/{field} {way}: is gone");
                    let named = told(&document, &changed);
                    assert!(named.iter().any(|change| change.ends_with(&end)), "{at}: {named:?}");
                    let added = told(&changed, &document);
                    let asked =
                        schema["required"].as_array().is_some_and(|it| it.contains(&json!(field)));
                    let asked = asked && direction == Direction::Sent;
                    let end = format!("/{field} {way}: is required");
                    assert_eq!(
                        added.iter().any(|change| change.ends_with(&end)),
                        asked,
                        "{added:?}"
                    );
                }
                if schema["type"].is_string() && schema["type"] != "null" {
                    let other = if schema["type"] == "boolean" { "integer" } else { "boolean" };
                    let changed = with(&document, &format!("{at}/type"), other.into());
                    let words = format!("{way}: type was {}, is \"{other}\"", schema["type"]);
                    let named = told(&document, &changed);
                    assert!(named.iter().any(|change| change.ends_with(&words)), "{at}: {named:?}");
                }
            }
        }
    }

    #[test]
    fn null_and_the_forms_of_a_union_go_one_way_only() {
        let answering = |schema: Value| {
            json!({
                "paths": { "/": { "get": { "responses": { "200": { "content": { "x": { "schema": schema } } } } } } },
                "components": { "schemas": {
                    "A": { "type": "object", "required": ["a"], "properties": { "a": { "type": "string" } } },
                    "B": { "type": "object", "required": ["b"], "properties": { "b": { "type": "string" } } },
                } },
            })
        };
        let asking = |schema: Value| {
            json!({
                "paths": { "/": { "get": { "requestBody": { "content": { "x": { "schema": schema } } }, "responses": {} } } },
                "components": answering(Value::Null)["components"],
            })
        };
        let form = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let none = json!({ "type": "null" });
        for (narrow, wide, change) in [
            (json!({ "type": "string" }), json!({ "type": ["string", "null"] }), "null was"),
            (form("A"), json!({ "oneOf": [form("A"), none] }), "null was"),
            (
                json!({ "oneOf": [form("A"), none] }),
                json!({ "oneOf": [form("A"), form("B"), none] }),
                "type was",
            ),
            (
                json!({ "oneOf": [form("A"), { "type": "string" }] }),
                json!({ "oneOf": [form("A"), { "type": "string" }, form("B")] }),
                "form B",
            ),
        ] {
            for (document, from, to) in [
                (&answering as &dyn Fn(Value) -> Value, &narrow, &wide),
                (&asking as &dyn Fn(Value) -> Value, &wide, &narrow),
            ] {
                let named = told(&document(from.clone()), &document(to.clone()));
                assert!(named.iter().any(|it| it.contains(change)), "{from} {to}: {named:?}");
                assert_eq!(told(&document(from.clone()), &document(from.clone())), [""; 0]);
            }
        }
        let more = json!({ "oneOf": [form("A"), form("B")] });
        let less = json!({ "oneOf": [form("B"), form("A"), { "type": "string" }] });
        assert_eq!(told(&asking(more), &asking(less)), [""; 0], "in any order, and more of them");
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        let tree = |most: u32| {
            json!({
                "paths": { "/": { "get": { "responses": { "200": { "content": { "x": {
                    "schema": { "$ref": "#/components/schemas/Tree" } } } } } } } },
                "components": { "schemas": { "Tree": {
                    "allOf": [{ "type": "object", "properties": { "name": { "type": "string", "maxLength": most } } }],
                    "properties": {
                        "left": { "oneOf": [{ "$ref": "#/components/schemas/Tree" }, { "type": "null" }] },
                        "rest": { "type": "array", "items": { "$ref": "#/components/schemas/Tree" } },
                    },
                } } },
            })
        };
        assert_eq!(told(&tree(3), &tree(4)), ["Tree/name (answered): maxLength was 3, is 4"]);
        assert_eq!(told(&tree(4), &tree(3)), [""; 0]);
    }
}
