use askama::Template;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use lambda_http::Body;
use serde::Serialize;

use crate::Context;

/// An answer as it leaves the function.
pub type Response = lambda_http::Response<Body>;

/// What a handler answers when all is well: a status, headers and a value as JSON.
#[derive(Debug)]
pub struct Answer<T> {
    /// What is answered.
    pub value: T,
    status: StatusCode,
    headers: HeaderMap,
}

/// Whoever reads it may keep it, but asks each time whether it has changed.
const OWN: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Anybody may keep it for a moment: a crowd at one page is one reader.
const PUBLIC: HeaderValue =
    HeaderValue::from_static("public, max-age=2, stale-while-revalidate=10");

impl<T> Answer<T> {
    /// 200 with a value.
    pub fn ok(value: T) -> Self {
        Self { value, status: StatusCode::OK, headers: HeaderMap::new() }
    }

    /// 201 with a value and where it is from now on.
    pub fn created(value: T, location: &str) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(value) }.with(header::LOCATION, location)
    }

    /// 202 with a value: what was asked for is done later.
    pub fn accepted(value: T) -> Self {
        Self { status: StatusCode::ACCEPTED, ..Self::ok(value) }
    }

    /// 503 with a value that says what is missing.
    pub fn unavailable(value: T) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, ..Self::ok(value) }
    }

    /// With one more header. One whose value cannot stand in a header is left out.
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// With the version of a single resource as its `ETag`; 304 when the caller has that version.
    pub fn versioned(self, version: u64, context: &Context) -> Self {
        self.tagged(&version.to_string(), context)
    }

    /// The same for a resource that shows more than what its version counts. A tag that cannot stand in a header is left out.
    pub fn tagged(mut self, tag: &str, context: &Context) -> Self {
        let Some(tag) = entity_tag(tag) else { return self };
        let known: Option<IfNoneMatch> = context.headers.typed_get();
        if known.is_some_and(|known| !known.precondition_passes(&tag)) {
            self.status = StatusCode::NOT_MODIFIED;
        }
        self.headers.typed_insert(tag);
        self.headers.insert(header::CACHE_CONTROL, OWN);
        self
    }

    /// For everybody, not for the caller alone.
    pub fn public(mut self) -> Self {
        self.headers.insert(header::CACHE_CONTROL, PUBLIC);
        self
    }
}

/// What `ETag` and `If-Match` say of a version; none when it can't stand in a header.
pub(crate) fn entity_tag(version: &str) -> Option<ETag> {
    format!("\"{version}\"").parse().ok()
}

impl Answer<()> {
    /// 302: go there.
    pub fn found(location: &str) -> Self {
        Self { status: StatusCode::FOUND, ..Self::ok(()) }.with(header::LOCATION, location)
    }

    /// 303: what was asked for is there.
    pub fn see_other(location: &str) -> Self {
        let answer = Self { status: StatusCode::SEE_OTHER, ..Self::ok(()) };
        answer.with(header::LOCATION, location)
    }

    /// 204: done, and nothing to say.
    pub fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, ..Self::ok(()) }
    }
}

impl<T: Serialize> From<Answer<T>> for Response {
    fn from(answer: Answer<T>) -> Self {
        let empty = matches!(
            answer.status,
            StatusCode::NO_CONTENT
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::NOT_MODIFIED
        );
        let body = if empty { Body::Empty } else { json(&answer.value) };
        let mut response = Response::new(body);
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        if !empty {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers.extend(answer.headers);
        response
    }
}

/// A value of ours as JSON. Only a map without string keys can fail, which no view has; should one
/// come, the log says so.
pub(crate) fn json(value: &impl Serialize) -> Body {
    match serde_json::to_string(value) {
        Ok(text) => Body::Text(text),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            Body::Empty
        }
    }
}

/// An answer that is not one of our JSON views: a page, a document, a picture.
#[derive(Debug)]
pub struct Page {
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Body,
}

impl Page {
    /// 200 with a text, or with bytes, of a content type. Bytes reach a caller as they are only if `infra/api.yaml` names the
    /// type among its binary ones, and the caller names it first.
    pub fn new(kind: &'static str, body: impl Into<Body>) -> Self {
        let headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
        Self { headers, body: body.into() }
    }

    /// A page for people, whose own script and style stand in it. Whatever it may have been made to load, it can't.
    pub fn html(body: impl Into<Body>) -> Self {
        let mut page = Self::new("text/html; charset=utf-8", body);
        let policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
            base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
        page.headers.push((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)));
        page
    }

    /// A template as a page for people. None if it can't be rendered, which the log says: then JSON must do.
    pub fn render(template: &impl Template) -> Option<Self> {
        let rendered = template.render();
        let told = |error: &askama::Error| tracing::error!(%error, "a page cannot be rendered");
        rendered.inspect_err(told).ok().map(Self::html)
    }

    /// With how long others may keep it.
    pub fn cached(mut self, control: &'static str) -> Self {
        self.headers.push((header::CACHE_CONTROL, HeaderValue::from_static(control)));
        self
    }

    /// With how a browser calls it when it keeps it as a file, which it then does.
    pub fn attached(mut self, disposition: &'static str) -> Self {
        self.headers.push((header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition)));
        self
    }

    /// Said to be one of several forms, of which `Accept` chose this one.
    pub fn negotiated(mut self) -> Self {
        self.headers.push((header::VARY, HeaderValue::from_static("accept")));
        self
    }

    /// For everybody: anybody may keep it for a moment.
    pub fn public(mut self) -> Self {
        self.headers.push((header::CACHE_CONTROL, PUBLIC));
        self
    }
}

impl From<Page> for Response {
    fn from(page: Page) -> Self {
        let mut response = Response::new(page.body);
        response.headers_mut().extend(page.headers);
        response
    }
}
