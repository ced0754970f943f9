use api::ProblemDocument;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Contact, Content, Info, License, OpenApi, Paths, Ref, RefOr, Schema, Server,
        Tag,
        path::{Operation, PathItem},
        schema::ArrayItems,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use crate::{
    Part,
    examples::example,
    links::{Reader, links, readers},
    refusals::{Shared, refusals},
    sent::{Schemas, sent},
};

/// The published document, OpenAPI 3.1.
///
/// # Errors
/// When two types of one name differ: the document has room for one.
pub fn openapi(parts: &[Part]) -> Result<OpenApi, Ambiguous> {
    let mut paths = Paths::new();
    let mut schemas = Schemas::new();
    let mut shared = Shared::new();
    let mut problem = vec![(ProblemDocument::name().into_owned(), ProblemDocument::schema())];
    ProblemDocument::schemas(&mut problem);
    schemas.extend(problem);
    // A part's answers lead to other parts, too.
    let readers = readers(&crate::parts());
    for part in parts {
        for route in &part.routes {
            let mut operation = route.operation.clone();
            operation.tags = Some(vec![part.name.to_owned()]);
            // Nothing at all would say that it is not known who may.
            operation.security.get_or_insert_default();
            let mut own: Schemas = route.schemas.iter().cloned().collect();
            refer(&mut own);
            sent(&mut operation, &mut own);
            show(&mut operation, &own, &readers);
            refusals(route, &mut operation, &mut shared, &mut schemas);
            let item = PathItem::new(route.method.clone(), operation);
            paths.paths.entry(route.path.clone()).or_default().merge_operations(item);
            for (name, schema) in own {
                let known = schemas.entry(name.clone()).or_insert_with(|| schema.clone());
                if *known != schema {
                    return Err(Ambiguous { name, route: route.name });
                }
            }
        }
    }
    let mut info = Info::new("Spotlight Space", env!("CARGO_PKG_VERSION"));
    info.description = Some(include_str!("openapi.md").to_owned());
    let mut contact = Contact::new();
    contact.name = Some("Spotlight Space".into());
    info.contact = Some(contact);
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".into());
    info.license = Some(license);
    let mut components = Components::new();
    components.schemas = schemas.into_iter().collect();
    components.responses = shared;
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.security_schemes.insert("bearer".into(), RefOr::T(bearer));
    let mut document = OpenApi::new(info, paths);
    let mut server = Server::new("/");
    server.description = Some("Where this document is read.".into());
    document.servers = Some(vec![server]);
    let tag = |part: &Part| {
        let mut tag = Tag::new(part.name);
        tag.description = Some(part.about.to_owned());
        tag
    };
    let mut tags: Vec<_> = parts.iter().map(tag).collect();
    tags.sort_by(|one, other| one.name.cmp(&other.name));
    document.tags = Some(tags);
    document.components = Some(components);
    Ok(document)
}

/// Two types share a name.
#[derive(Debug, thiserror::Error)]
#[error("{route}: another schema than this route's is called {name}")]
pub struct Ambiguous {
    name: String,
    route: &'static str,
}

/// Refers to what has a name of its own, where it stands written out as a list's item: a generated client would have two types.
fn refer(schemas: &mut Schemas) {
    let named = schemas.clone();
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::Object(object)) = schema else { continue };
        for property in object.properties.values_mut() {
            let RefOr::T(Schema::Array(list)) = property else { continue };
            let ArrayItems::RefOrSchema(item) = &mut list.items else { continue };
            if let Some((name, _)) = named.iter().find(|(_, schema)| *schema == &**item) {
                **item = RefOr::Ref(Ref::from_schema_name(name));
            }
        }
    }
}

/// Shows an example of what is sent and of what is answered, and where an answer leads.
fn show(operation: &mut Operation, schemas: &Schemas, readers: &[Reader]) {
    let schemas = serde_json::to_value(schemas).unwrap_or_default();
    let schema = |content: &Content| serde_json::to_value(&content.schema).unwrap_or_default();
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        for content in body.content.values_mut() {
            let RefOr::T(content) = content else { continue };
            content.example = example(&schemas, &schema(content));
        }
    }
    let name = operation.operation_id.clone().unwrap_or_default();
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        let Some(RefOr::T(content)) = response.content.get_mut("application/json") else {
            continue;
        };
        let schema = schema(content);
        if content.example.is_none() {
            content.example = example(&schemas, &schema);
        }
        links(response, &schemas, &schema, &name, readers);
    }
}
