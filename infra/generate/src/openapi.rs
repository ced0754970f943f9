use api::ProblemDocument;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, Info, License, OpenApi, Paths, Ref, RefOr, Response,
        path::PathItem,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use crate::{
    Part,
    sent::{Schemas, sent},
};

/// The published document, OpenAPI 3.1.
///
/// # Errors
/// When two types of one name differ: the document has room for one.
pub fn openapi(parts: &[Part]) -> Result<OpenApi, Ambiguous> {
    let mut paths = Paths::new();
    let mut schemas = Schemas::new();
    let mut problem = vec![(ProblemDocument::name().into_owned(), ProblemDocument::schema())];
    ProblemDocument::schemas(&mut problem);
    schemas.extend(problem);
    for part in parts {
        for route in &part.routes {
            let mut operation = route.operation.clone();
            operation.tags = Some(vec![part.name.to_owned()]);
            operation.responses.responses.insert("default".into(), RefOr::T(refusal()));
            let mut own: Schemas = route.schemas.iter().cloned().collect();
            sent(&mut operation, &mut own);
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
    let mut info = Info::new("소극장 Spotlight Space", env!("CARGO_PKG_VERSION"));
    info.description = Some(include_str!("openapi.md").to_owned());
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".into());
    info.license = Some(license);
    let mut components = Components::new();
    components.schemas = schemas.into_iter().collect();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.security_schemes.insert("bearer".into(), RefOr::T(bearer));
    let mut document = OpenApi::new(info, paths);
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

/// What every route may answer besides what it says itself.
fn refusal() -> Response {
    let problem = Content::new(Some(RefOr::Ref(Ref::from_schema_name(ProblemDocument::name()))));
    let mut response = Response::new("Refused: a problem document (RFC 9457).");
    response.content.insert("application/problem+json".into(), RefOr::T(problem));
    response
}
