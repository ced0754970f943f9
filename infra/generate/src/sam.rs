use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use askama::Template;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Part,
    table::{Name, Reserved, Row, Stream, TIMEOUT, Table},
};

/// The SAM templates by their path: one for each part, from its `functions.yaml`, and the one that nests them.
///
/// # Errors
/// When a table cannot be read, or names a parameter that the root template has not.
pub fn sam(root: &Path, parts: &[Part]) -> Result<Vec<(String, String)>, Fault> {
    let known: Root = parsed(&root.join("template.yaml"))?;
    let data: Data = parsed(&root.join("infra/data.yaml"))?;
    let mut templates = Vec::new();
    for part in parts {
        let table = parsed(&root.join("functions").join(part.name).join("functions.yaml"))?;
        templates.push(PartTemplate::new(part, table, &known)?);
    }
    let known: BTreeSet<_> = templates.iter().flat_map(PartTemplate::all_queues).collect();
    for template in &templates {
        let named = template.functions.iter().flat_map(|function| function.row.queues.keys());
        if let Some(name) = named.into_iter().find(|name| !known.contains(name)) {
            return Err(Fault::Queue { part: template.name.0.clone(), name: name.0.clone() });
        }
    }
    let mut files = Vec::new();
    for template in &templates {
        files.push((format!("functions/{}/template.yaml", template.name), template.render()?));
    }
    files.push(("functions/template.yaml".into(), PartsTemplate::new(&templates, data).render()?));
    let probes = serde_json::to_string_pretty(&probes(parts, &templates))?;
    files.push(("infra/hook/events.json".into(), probes + "\n"));
    Ok(files)
}

/// What a new version of each function is asked before it gets traffic (`infra/hook`): a route as nobody and with nothing, a
/// queue's or stream's reader with no records. Who is started by operators alone is not asked.
fn probes(parts: &[Part], templates: &[PartTemplate]) -> BTreeMap<String, Value> {
    let routes = parts.iter().flat_map(|part| &part.routes).map(|route| {
        let method = serde_json::to_value(&route.method).unwrap_or_default();
        let names = route.path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
        let variables: BTreeMap<_, _> = names.map(|name| (name, "none")).collect();
        let mut path = route.path.to_owned();
        for name in variables.keys() {
            path = path.replace(&format!("{{{name}}}"), "none");
        }
        let event = json!({
            "resource": route.path,
            "path": path,
            "httpMethod": method.as_str().unwrap_or("get").to_uppercase(),
            "headers": {},
            "multiValueHeaders": {},
            "pathParameters": variables,
            "requestContext": {
                "requestId": "release",
                "stage": "live",
                "httpMethod": method.as_str().unwrap_or("get").to_uppercase(),
                "identity": { "sourceIp": "127.0.0.1" },
            },
            "body": null,
            "isBase64Encoded": false,
        });
        (route.name.to_owned(), event)
    });
    let workers =
        templates.iter().flat_map(|template| &template.functions).filter_map(|function| {
            let row = &function.row;
            let event = match (row.queue.is_some() || row.stream.is_some(), row.schedule.is_some())
            {
                (true, _) => json!({ "Records": [] }),
                (false, true) => json!({}),
                (false, false) => return None,
            };
            Some((function.name.0.clone(), event))
        });
    routes.chain(workers).collect()
}

/// What the root template says of its parameters.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Root {
    parameters: BTreeMap<String, Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    r#type: String,
}

/// The parameters of a part by their names, with the type that they have there: what the root takes from a store is text.
type Parameters = BTreeMap<String, &'static str>;

#[derive(Template)]
#[template(path = "part.yaml", escape = "none")]
struct PartTemplate {
    name: Name,
    parameters: Parameters,
    table: Table,
    functions: Vec<Function>,
    /// The functions that the API calls.
    routes: Vec<&'static str>,
    /// With the time limits of their readers.
    queues: BTreeMap<Name, u32>,
    dead_letters: BTreeSet<Name>,
    resources: String,
}

impl PartTemplate {
    fn new(part: &Part, mut table: Table, known: &Root) -> Result<Self, Fault> {
        let signed_in: BTreeSet<_> = part
            .routes
            .iter()
            .filter(|it| it.operation.security.is_some())
            .map(|it| it.name)
            .collect();
        let functions: Vec<Function> = std::mem::take(&mut table.functions)
            .into_iter()
            .map(|(name, row)| Function::new(signed_in.contains(name.0.as_str()), name, row))
            .collect();
        let mut parameters = Parameters::new();
        let common =
            ["Stage", "CanaryAlarms", "DeploymentPreference", "LogDays"].map(str::to_owned);
        for name in common.into_iter().chain(functions.iter().flat_map(Function::parameters)) {
            let parameter = known
                .parameters
                .get(&name)
                .ok_or_else(|| Fault::Parameter { part: part.name, name: name.clone() })?;
            parameters.insert(name, if parameter.r#type == "Number" { "Number" } else { "String" });
        }
        let mut queues = BTreeMap::new();
        let mut dead_letters: BTreeSet<Name> = table.dead_letters.iter().cloned().collect();
        for function in &functions {
            if let Some(queue) = &function.row.queue {
                queues.insert(queue.name.clone(), function.row.timeout.unwrap_or(TIMEOUT));
                dead_letters.insert(queue.name.dead());
            }
            dead_letters.extend(function.row.stream.as_ref().map(Stream::failures));
            dead_letters.extend(function.row.schedule.as_ref().map(|_| function.name.missed()));
        }
        let mut resources = String::new();
        for line in serde_norway::to_string(&table.resources)?
            .lines()
            .filter(|_| !table.resources.is_empty())
        {
            resources.push_str(&format!("\n  {line}"));
        }
        Ok(Self {
            name: Name(part.name.to_owned()),
            parameters,
            table,
            functions,
            routes: part.routes.iter().map(|route| route.name).collect(),
            queues,
            dead_letters,
            resources,
        })
    }
}

impl PartTemplate {
    /// Its queues with their dead-letter queues.
    fn all_queues(&self) -> impl Iterator<Item = &Name> {
        self.queues.keys().chain(&self.dead_letters)
    }

    /// Whether one of its functions has concurrency of its own.
    fn reserves(&self) -> bool {
        self.functions.iter().any(|function| function.row.reserved.is_some())
    }
}

#[derive(Template)]
#[template(path = "parts.yaml", escape = "none")]
struct PartsTemplate<'a> {
    parameters: Parameters,
    parts: &'a [PartTemplate],
    tables: BTreeMap<String, Vec<Index>>,
}

impl<'a> PartsTemplate<'a> {
    fn new(parts: &'a [PartTemplate], data: Data) -> Self {
        let parameters = parts.iter().flat_map(|part| part.parameters.clone()).collect();
        let resources = data.resources.into_iter();
        let tables = resources.filter(|(_, resource)| resource.r#type == "AWS::DynamoDB::Table");
        let tables = tables.map(|(name, table)| (name, table.properties.indexes)).collect();
        Self { parameters, parts, tables }
    }

    /// All queues with their dead-letter queues.
    fn queues(&self) -> Vec<&Name> {
        self.parts.iter().flat_map(PartTemplate::all_queues).collect()
    }

    fn stream_readers(&self) -> Vec<&Name> {
        let functions = self.parts.iter().flat_map(|part| &part.functions);
        functions
            .filter(|function| function.row.stream.is_some())
            .map(|function| &function.name)
            .collect()
    }
}

/// The data stack, as far as its tables are concerned. A table's resource is called as the table is.
#[derive(Deserialize)]
struct Data {
    #[serde(rename = "Resources")]
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(rename = "Type")]
    r#type: String,
    #[serde(rename = "Properties")]
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    #[serde(rename = "GlobalSecondaryIndexes", default)]
    indexes: Vec<Index>,
}

#[derive(Deserialize)]
struct Index {
    #[serde(rename = "IndexName")]
    name: String,
}

/// The bucket of files, which infra/data.yaml makes.
const BUCKET: &str = "${Stage}-files-${AWS::AccountId}";

/// A function with what follows from its row.
struct Function {
    name: Name,
    /// Values as CloudFormation writes them.
    variables: BTreeMap<String, String>,
    row: Row,
}

impl Function {
    fn new(signed_in: bool, name: Name, mut row: Row) -> Self {
        if signed_in {
            row.variables.push("JwtPublicKeys".into());
        }
        if !row.mail.is_empty() {
            row.variables.extend(["MailFrom".into(), "MailRate".into()]);
        }
        let mut variables = BTreeMap::new();
        for parameter in &row.variables {
            variables.insert(screaming(parameter), format!("!Ref {parameter}"));
        }
        for secret in &row.secrets {
            variables.insert(
                format!("{}_SECRET_ID", secret.screaming()),
                format!("!Sub ${{Stage}}/{secret}"),
            );
        }
        for queue in row.queues.keys() {
            variables.insert(
                format!("{}_QUEUE_URL", queue.screaming()),
                format!("!Sub https://sqs.${{AWS::Region}}.${{AWS::URLSuffix}}/${{AWS::AccountId}}/${{Stage}}-{queue}"),
            );
        }
        if !row.files.is_empty() {
            variables.insert("FILES_BUCKET".into(), format!("!Sub {BUCKET}"));
        }
        if !row.mail.is_empty() {
            variables.insert("CONFIGURATION_SET".into(), "!Ref Stage".into());
        }
        if !row.bus.is_empty() {
            variables.insert("EVENT_BUS".into(), "!Ref Stage".into());
        }
        if !row.search.is_empty() {
            variables.insert("OPENSEARCH_URL".into(), "!Ref SearchUrl".into());
        }
        Self { name, variables, row }
    }

    /// The parameters of the root template that its row mentions.
    fn parameters(&self) -> Vec<String> {
        let mut names = self.row.variables.clone();
        names.extend((!self.row.search.is_empty()).then(|| "SearchUrl".into()));
        names.extend(self.row.stream.as_ref().map(Stream::parameter));
        names.extend(self.row.reserved.as_ref().map(|_| "ReserveConcurrency".into()));
        if let Some(Reserved::Parameter(name)) = &self.row.reserved {
            names.push(name.clone());
        }
        names
    }

    /// What its role allows: its own log lines and traces, what it reads by itself, and what its row says.
    fn permissions(&self) -> Vec<Permission> {
        let mut permissions = vec![
            Permission::new(
                "logs:",
                ["CreateLogStream", "PutLogEvents"],
                "!GetAtt Logs.Arn".into(),
            ),
            Permission::new("xray:", ["PutTelemetryRecords", "PutTraceSegments"], "\"*\"".into()),
        ];
        if let Some(stream) = &self.row.stream {
            let of_table = arn("dynamodb", &format!("table/${{Stage}}-{}/stream/*", stream.table));
            permissions.extend([
                Permission::new("dynamodb:", ["ListStreams"], of_table),
                Permission::new(
                    "dynamodb:",
                    ["DescribeStream", "GetRecords", "GetShardIterator"],
                    format!("!Ref {}", stream.parameter()),
                ),
                Permission::new(
                    "sqs:",
                    ["SendMessage"],
                    format!("!GetAtt {}Queue.Arn", stream.failures().pascal()),
                ),
            ]);
        }
        if let Some(queue) = &self.row.queue {
            let queue = format!("!GetAtt {}Queue.Arn", queue.name.pascal());
            permissions.push(Permission::new(
                "sqs:",
                ["DeleteMessage", "GetQueueAttributes", "ReceiveMessage"],
                queue,
            ));
        }
        for (table, actions) in &self.row.tables {
            let resource = format!("table/${{Stage}}-{}", table.replace('.', "/index/"));
            permissions.push(Permission::new("dynamodb:", actions, arn("dynamodb", &resource)));
        }
        for (queue, actions) in &self.row.queues {
            permissions.push(Permission::new(
                "sqs:",
                actions,
                arn("sqs", &format!("${{Stage}}-{queue}")),
            ));
        }
        for (key, actions) in &self.row.files {
            let path = if key.is_empty() { String::new() } else { format!("/{key}") };
            // The name of a bucket is everybody's, so its ARN has neither region nor account.
            let bucket = format!("!Sub arn:${{AWS::Partition}}:s3:::{BUCKET}{path}");
            permissions.push(Permission::new("s3:", actions, bucket));
        }
        if !self.row.mail.is_empty() {
            // SES asks for both: as whom it is sent, and how it is followed.
            for resource in ["identity/*", "configuration-set/${Stage}"] {
                permissions.push(Permission::new("ses:", &self.row.mail, arn("ses", resource)));
            }
        }
        if !self.row.bus.is_empty() {
            permissions.push(Permission::new(
                "events:",
                &self.row.bus,
                arn("events", "event-bus/${Stage}"),
            ));
        }
        if !self.row.search.is_empty() {
            // Every function that searches opens its connection so.
            permissions.push(Permission::new(
                "es:",
                ["ESHttpHead"],
                arn("es", "domain/${Stage}-search/"),
            ));
        }
        for (path, methods) in &self.row.search {
            let resource = arn("es", &format!("domain/${{Stage}}-search/{path}"));
            permissions.push(Permission::new("es:ESHttp", methods, resource));
        }
        for secret in &self.row.secrets {
            let resource = arn("secretsmanager", &format!("secret:${{Stage}}/{secret}-??????"));
            permissions.push(Permission::new("secretsmanager:", ["GetSecretValue"], resource));
        }
        permissions
    }
}

/// A statement of a role's policy.
struct Permission {
    actions: Vec<String>,
    resource: String,
}

impl Permission {
    fn new(
        prefix: &str,
        actions: impl IntoIterator<Item = impl AsRef<str>>,
        resource: String,
    ) -> Self {
        let actions =
            actions.into_iter().map(|action| format!("{prefix}{}", action.as_ref())).collect();
        Self { actions, resource }
    }
}

fn arn(service: &str, resource: &str) -> String {
    format!(
        "!Sub arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"
    )
}

/// `HoldSeconds` → `HOLD_SECONDS`.
fn screaming(pascal: &str) -> String {
    let mut screaming = String::new();
    for letter in pascal.chars() {
        if letter.is_uppercase() && !screaming.is_empty() {
            screaming.push('_');
        }
        screaming.extend(letter.to_uppercase());
    }
    screaming
}

fn parsed<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Fault> {
    let wrong = |reason: String| Fault::File { path: path.display().to_string(), reason };
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    serde_norway::from_str(&text).map_err(|error| wrong(error.to_string()))
}

/// Why there are no templates.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file is missing or says what nobody understands.
    #[error("{path}: {reason}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A table mentions a parameter that there is not.
    #[error("functions/{part}/functions.yaml: template.yaml has no parameter {name}")]
    Parameter {
        /// Whose table.
        part: &'static str,
        /// The parameter.
        name: String,
    },
    /// A function sends to a queue that no part has.
    #[error("functions/{part}/functions.yaml: no part has a queue {name}")]
    Queue {
        /// Whose table.
        part: String,
        /// The queue.
        name: String,
    },
    /// Resources that are no text.
    #[error(transparent)]
    Text(#[from] serde_norway::Error),
    /// A document that cannot be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A template that cannot be filled in.
    #[error(transparent)]
    Template(#[from] askama::Error),
}
