//! Every operation as the document describes it, and requests made from that.

use std::sync::LazyLock;

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};

use crate::{
    parts::rows,
    world::{Member, World},
};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&generate::document().unwrap()).unwrap());

/// One operation of the document.
pub struct Operation {
    /// The part of the business, which is its folder's name.
    pub part: String,
    pub name: String,
    pub method: Method,
    pub path: String,
    /// Whether its caller must be signed in.
    pub signed_in: bool,
    /// The roles of which the caller needs one; none where everybody may.
    pub roles: Vec<String>,
    pub variables: Vec<Field>,
    pub query: Vec<Field>,
    /// The fields of its body.
    pub body: Option<Vec<Field>>,
    pub takes_key: bool,
    /// Whether its caller must have seen what it changes.
    pub takes_version: bool,
}

/// A value of a request.
pub struct Field {
    pub name: String,
    pub required: bool,
    /// Its schema, with the reference followed; of a choice, the first that is not null.
    pub schema: Value,
    /// What it is the id of, such as `Payment`.
    pub id_of: Option<&'static str>,
}

/// Every operation of the document.
pub fn operations() -> Vec<Operation> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, it)| operation(path, method, it))
    });
    each.collect()
}

fn operation(path: &str, method: &str, it: &Value) -> Operation {
    let parameters = it["parameters"].as_array().cloned().unwrap_or_default();
    let given = |place: &str| -> Vec<Field> {
        let here = parameters.iter().filter(|parameter| parameter["in"] == place);
        let field = |parameter: &Value| {
            let name = parameter["name"].as_str().unwrap();
            Field::new(name, &parameter["schema"], parameter["required"] == true)
        };
        here.map(field).collect()
    };
    let body = it.pointer("/requestBody/content/application~1json/schema").map(|schema| {
        let schema = resolved(schema);
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let fields = schema["properties"].as_object().unwrap().iter();
        let field = |(name, field): (&String, &Value)| {
            Field::new(name, field, required.contains(&json!(name)))
        };
        fields.map(field).collect()
    });
    let roles = it["security"][0]["bearer"].as_array().cloned();
    Operation {
        part: it["tags"][0].as_str().unwrap().into(),
        name: it["operationId"].as_str().unwrap().into(),
        method: method.to_uppercase().parse().unwrap(),
        path: path.into(),
        signed_in: roles.is_some(),
        roles: roles.iter().flatten().map(|role| role.as_str().unwrap().into()).collect(),
        variables: given("path"),
        query: given("query"),
        body,
        takes_key: given("header").iter().any(|header| header.name == "Idempotency-Key"),
        takes_version: given("header").iter().any(|header| header.name == "If-Match"),
    }
}

fn resolved(schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolved(DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap());
    }
    let choice = schema["oneOf"].as_array().into_iter().flatten();
    choice.into_iter().find(|choice| choice["type"] != "null").map_or(schema.clone(), resolved)
}

/// An id that names nothing: the document's example.
pub fn unknown_id(kind: &str) -> &'static str {
    ids().find(|(other, _)| *other == kind).unwrap().1["examples"][0].as_str().unwrap()
}

/// What each id is of, with its schema.
fn ids() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let schemas = DOCUMENT["components"]["schemas"].as_object().unwrap();
    schemas.iter().filter_map(|(name, schema)| Some((name.strip_suffix("Id")?, schema)))
}

impl Field {
    fn new(name: &str, schema: &Value, required: bool) -> Self {
        let schema = resolved(schema);
        let id = ids().find(|(_, id)| id["pattern"] == schema["pattern"]);
        assert!(id.is_some() || !name.ends_with("Id"), "{name} is no id in the document");
        Self { name: name.into(), required, id_of: id.map(|(kind, _)| kind), schema }
    }

    /// Whether it has a value of this kind.
    pub fn is(&self, kind: &str) -> bool {
        let kinds = &self.schema["type"];
        kinds == kind || kinds.as_array().is_some_and(|kinds| kinds.contains(&kind.into()))
    }

    /// Values of the right kind that its limits don't allow.
    pub fn beyond(&self) -> Vec<Value> {
        let schema = &self.schema;
        if schema["enum"] == json!([true]) {
            return vec![false.into()];
        }
        if schema["enum"].is_array() {
            // The second is answered, and never taken.
            return vec!["NOT_ONE".into(), "UNKNOWN".into()];
        }
        let longest =
            schema["maxLength"].as_u64().map(|most| "가".repeat(most as usize + 1).into());
        let shortest = schema["minLength"].as_u64().filter(|least| *least > 0).map(|_| "".into());
        let most = schema["maximum"].as_i64().map(|most| json!(most + 1));
        let least = schema["minimum"].as_i64().map(|least| json!(least - 1));
        let formats = ["date", "date-time", "email"].map(Value::from);
        let written = formats.contains(&schema["format"])
            || schema["pattern"].as_str().is_some_and(|pattern| pattern.starts_with('^'));
        // No form of ours has letters beyond ASCII.
        let written = written.then(|| "가".into());
        [longest, shortest, most, least, written].into_iter().flatten().collect()
    }

    /// Ids that are none, or of another kind; none for what is no id.
    pub fn wrong_ids(&self) -> Vec<String> {
        let Some(kind) = self.id_of else { return Vec::new() };
        let own = unknown_id(kind);
        let mut wrong = vec![
            "x".to_owned(),
            own.to_lowercase(),
            own[..own.len() - 1].to_owned(),
            format!("{own}0"),
            format!("{own} "),
            own.replace('_', "_O"),
            "x".repeat(300),
        ];
        let others = ids().filter(|(other, _)| *other != kind);
        wrong.extend(others.map(|(other, _)| unknown_id(other).to_owned()));
        wrong
    }

    /// Whether it is the id of what is one member's, and not there for others. Members and coupons are there for all.
    pub fn is_owned(&self) -> bool {
        self.id_of.is_some_and(|kind| !["Coupon", "Member"].contains(&kind))
    }

    /// Where it stands in a body.
    pub fn pointer(&self) -> String {
        format!("/{}", self.name)
    }

    /// How an id that names nothing is refused: of a code that was mailed, as a wrong code is.
    pub fn unknown(&self) -> (u16, String) {
        match self.id_of {
            Some("Code") => (400, "CODE_NOT_GOOD".into()),
            _ => (404, self.not_found()),
        }
    }

    /// The code that a caller is told for an id that names nothing, or nothing of theirs.
    pub fn not_found(&self) -> String {
        let mut code = String::new();
        // A member's id is an artist's where the route says so.
        for letter in self.name.strip_suffix("Id").unwrap().chars() {
            if letter.is_uppercase() && !code.is_empty() {
                code.push('_');
            }
            code.push(letter.to_ascii_uppercase());
        }
        code + "_NOT_FOUND"
    }

    fn example(&self, world: &World) -> Value {
        let schema = &self.schema;
        if schema["type"] == "array" {
            return json!([resolved(&schema["items"])["examples"][0]]);
        }
        let made = [&schema["examples"][0], &schema["enum"][0], &schema["minimum"]];
        match self.id_of {
            Some(kind) => world.object(kind).0.into(),
            None => made.into_iter().find(|value| !value.is_null()).unwrap_or(&json!("x")).clone(),
        }
    }
}

impl Operation {
    /// Who may do it in this world.
    pub fn owner<'a>(&self, world: &'a World) -> &'a Member {
        let owned = self.variables.iter().find_map(|variable| variable.id_of);
        match owned {
            Some(kind) => world.object(kind).1,
            None if self.is_for("USER") => &world.fan,
            None => &world.artist,
        }
    }

    /// Whether members of a role may do it.
    pub fn is_for(&self, role: &str) -> bool {
        self.roles.is_empty() || self.roles.iter().any(|one| one == role)
    }

    /// Its path to what is there in this world.
    pub fn path(&self, world: &World) -> String {
        self.path_with(world, "", "")
    }

    /// Its path with a value in the place of one variable.
    pub fn path_with(&self, world: &World, name: &str, value: &str) -> String {
        let mut path = self.path.clone();
        for variable in &self.variables {
            let good = variable.example(world);
            let value = if variable.name == name { value } else { good.as_str().unwrap() };
            let piece = value.replace('%', "%25").replace(' ', "%20");
            path = path.replace(&format!("{{{}}}", variable.name), &piece);
        }
        path
    }

    /// A body that it takes: what its part's file says, or else the document's examples.
    pub fn good_body(&self, world: &World) -> Option<Value> {
        let fields = self.body.as_ref()?;
        let made = || {
            let required = fields.iter().filter(|field| field.required);
            let made = required.map(|field| (field.name.clone(), field.example(world)));
            made.collect::<Map<_, _>>().into()
        };
        Some(rows(world, self).body.unwrap_or_else(made))
    }

    /// A request without a body: with these parameters in the query, and with what else is required.
    pub fn request(
        &self,
        world: &World,
        path: &str,
        token: Option<&str>,
        query: &[(&str, String)],
    ) -> RequestBuilder {
        let given = |field: &&Field| query.iter().any(|(name, _)| *name == field.name);
        let required = self.query.iter().filter(|field| field.required && !given(field));
        let required: Vec<_> =
            required.map(|field| (&*field.name, text(&field.example(world)))).collect();
        let mut request = world.request(self.method.clone(), path).query(&required).query(query);
        if self.takes_key {
            request = request.header("Idempotency-Key", world.fresh());
        }
        if self.takes_version {
            request = request.header("If-Match", "*");
        }
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// A request that is right in all but, perhaps, where it goes and who sends it.
    pub fn good(&self, world: &World, path: &str, token: Option<&str>) -> RequestBuilder {
        let request = self.request(world, path, token, &[]);
        match self.good_body(world) {
            Some(body) => request.json(&body),
            None => request,
        }
    }
}

/// A value as it stands in a path or a query.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
