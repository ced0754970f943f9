use std::time::Duration;

use askama::Template;
use domain::{
    fault::{Code, Fault, Kind, Localized},
    invalid::Invalid,
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{Context, Language, Page, Response, codes};

/// A refusal, before it is put into words. It becomes an RFC 9457 document at the border.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    /// Boxed, as the members are: results are moved far more often than they are refusals.
    code: Box<Code>,
    fields: Vec<FieldFault>,
    retry_after: Option<Duration>,
    headers: Vec<(HeaderName, HeaderValue)>,
    members: Box<Map<String, Value>>,
    /// What happened inside: for the log, never for the caller.
    cause: Option<String>,
}

/// So many bad values are told: an answer must not be many times what was sent.
const MOST_ERRORS: usize = 100;

/// One bad value of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldFault {
    pub(crate) place: Place,
    /// A JSON pointer in a body, a name elsewhere.
    pub(crate) name: String,
    pub(crate) code: &'static str,
    pub(crate) detail: Localized<String>,
}

/// Where in a request a bad value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FaultPlace)]
pub enum Place {
    /// In the JSON body; the fault has a `pointer`.
    Body,
    /// In the path.
    Path,
    /// In the query string.
    Query,
    /// In a header.
    Header,
}

impl Problem {
    /// A refusal.
    pub fn new(code: Code) -> Self {
        let (status, fields, headers) = (status(code.kind), Vec::new(), Vec::new());
        let (code, members) = (code.into(), Box::default());
        Self { status, code, fields, retry_after: None, headers, members, cause: None }
    }

    pub(crate) fn status(status: StatusCode, code: Code) -> Self {
        Self { status, ..Self::new(code) }
    }

    /// A refusal of one value at a place; its code is the problem's, too.
    pub fn field(place: Place, name: &str, code: Code) -> Self {
        let (name, detail) = (name.to_owned(), code.detail.map(str::to_owned));
        let fault = FieldFault { place, name, code: code.name, detail };
        Self { fields: vec![fault], ..Self::new(code) }
    }

    pub(crate) fn fields(fields: Vec<FieldFault>) -> Self {
        Self { fields, ..Self::new(codes::INVALID_FIELDS) }
    }

    /// A refusal of fields of the body, by their names, that have one fault: where the type of the body can't tell it.
    pub fn body_fields(names: &[&str], code: Code) -> Self {
        let fault = |name: &&str| FieldFault {
            place: Place::Body,
            name: format!("/{name}"),
            code: code.name,
            detail: code.detail.map(str::to_owned),
        };
        Self::fields(names.iter().map(fault).collect())
    }

    /// A refusal for rules that several body fields break together, told by the field's name.
    pub fn broken_rules(rules: Vec<(&'static str, Invalid)>) -> Self {
        let fault =
            |(field, invalid)| FieldFault::invalid(Place::Body, format!("/{field}"), &invalid);
        Self::fields(rules.into_iter().map(fault).collect())
    }

    /// The same for parameters of the query string.
    pub fn broken_filters(rules: Vec<(&'static str, Invalid)>) -> Self {
        let fault =
            |(name, invalid)| FieldFault::invalid(Place::Query, String::from(name), &invalid);
        Self::fields(rules.into_iter().map(fault).collect())
    }

    /// With one more header. One whose value cannot stand in a header is left out.
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// With members of this refusal's own (RFC 9457, 3.2): an object of ours. The route's description says what they are, as the body
    /// of the status.
    pub fn telling(mut self, members: &impl Serialize) -> Self {
        match serde_json::to_value(members) {
            Ok(Value::Object(members)) => self.members.extend(members),
            told => tracing::error!(?told, "what a refusal tells besides is no object"),
        }
        self
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code.name
    }

    /// The HTTP status.
    pub fn http_status(&self) -> StatusCode {
        self.status
    }

    /// What happened inside, for the log.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The document and its headers; whoever prefers a page, as a browser does, gets a small one.
    pub fn into_response(self, context: &Context) -> Response {
        let language = context.language;
        let (status, retry_after) = (self.status, self.retry_after);
        let count = self.fields.len();
        let told = self.fields.into_iter().take(MOST_ERRORS);
        let document = ProblemDocument {
            kind: "about:blank",
            title: language.of(self.code.title),
            status: self.status.as_u16(),
            detail: language.of(self.code.detail),
            code: self.code.name,
            errors: told.map(|fault| fault.document(language)).collect(),
            error_count: (count > MOST_ERRORS).then_some(count),
            request_id: context.request_id.clone(),
            members: *self.members,
        };
        let page = context.prefers_html().then_some(ProblemPage { language, problem: &document });
        let mut response = match page.and_then(|page| Page::render(&page)) {
            Some(page) => page.into(),
            None => {
                let mut response = Response::new(crate::answer::json(&document));
                let kind = HeaderValue::from_static("application/problem+json");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }
        };
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.extend(self.headers);
        headers.insert(header::VARY, HeaderValue::from_static("accept, accept-language"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        if let Some(wait) = retry_after {
            // Rounded up: whoever comes then is not refused for the same reason again.
            let seconds = wait.as_millis().div_ceil(1000).max(1) as u64;
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The only place that knows which status a kind of fault has.
fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Refused => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable | Kind::Unknown => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl<E: Fault> From<E> for Problem {
    fn from(fault: E) -> Self {
        let mut cause = fault.to_string();
        let mut source = std::error::Error::source(&fault);
        while let Some(deeper) = source {
            cause = format!("{cause}: {deeper}");
            source = deeper.source();
        }
        Self { retry_after: fault.retry_after(), cause: Some(cause), ..Self::new(fault.code()) }
    }
}

impl FieldFault {
    fn invalid(place: Place, name: String, invalid: &Invalid) -> Self {
        Self { place, name, code: invalid.code(), detail: invalid.detail() }
    }

    fn document(self, language: Language) -> FieldFaultDocument {
        let detail = language.of(self.detail);
        let (pointer, name) = match self.place {
            Place::Body => (Some(self.name), None),
            _ => (None, Some(self.name)),
        };
        FieldFaultDocument { place: self.place, pointer, name, code: self.code, detail }
    }
}

/// RFC 9457 problem document.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Always `about:blank`: `code` tells the kinds apart.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What went wrong, in a few words.
    title: &'static str,
    /// The HTTP status again.
    status: u16,
    /// What to do about it.
    detail: &'static str,
    /// Stable, `SCREAMING_SNAKE`: what a program reads.
    code: &'static str,
    /// Every bad value at once; of more than 100 the first.
    errors: Vec<FieldFaultDocument>,
    /// How many there are, if they are more than `errors` tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_count: Option<usize>,
    /// The id to name when asking us.
    request_id: String,
    /// What only this refusal tells.
    #[serde(flatten)]
    #[schema(ignore)]
    members: Map<String, Value>,
}

/// The same for a person.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    language: Language,
    problem: &'a ProblemDocument,
}

/// One bad value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldFault)]
struct FieldFaultDocument {
    /// Where it stands.
    #[serde(rename = "in")]
    place: Place,
    /// JSON pointer, in a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// Name, in path, query or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Stable code.
    code: &'static str,
    /// For people.
    detail: String,
}
