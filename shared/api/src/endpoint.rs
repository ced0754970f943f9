use std::{any::TypeId, future::Future, pin::Pin, sync::Arc, time::Instant};

use aws::{Connect, deadline, variable};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use domain::{time::Time, who::Who};
use headers::{ContentType, HeaderMapExt};
use http::{HeaderValue, StatusCode, header};
use lambda_http::{Request, RequestExt, request::RequestContext, service_fn};
use mime::Mime;
use sha2::{Digest, Sha256};

use crate::{
    Call, Context, FieldFaults, Input, Language, MAX_BODY, Nothing, Problem, PublicKeys, Response,
    bearer,
    call::preferred_language,
    codes,
    input::{is_broken, object, parse},
    json,
    problem::Place,
};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Serve = Arc<dyn Fn(Request) -> Boxed<Response> + Send + Sync>;

/// One route, ready to be served. The handler's types are erased here, in the library: each binary
/// links in half the time.
pub struct Endpoint {
    connect: Box<dyn FnOnce() -> Boxed<Result<Serve, String>> + Send>,
}

impl Endpoint {
    /// A handler; its clients are built once, when the function starts.
    pub fn new<Clients, W, I, R, Handling>(
        handle: impl Fn(Clients, Call<W, I>) -> Handling + Send + Sync + 'static,
    ) -> Self
    where
        Clients: Connect,
        W: Who + Send + 'static,
        I: Input + Send + 'static,
        R: Into<Response> + 'static,
        Handling: Future<Output = Result<R, Problem>> + Send + 'static,
    {
        let connect = async move || -> Result<Serve, String> {
            let keys = if W::READS_TOKEN { Some(Arc::new(public_keys()?)) } else { None };
            let clients = Clients::connect().await.map_err(|error| error.to_string())?;
            let handle = Arc::new(handle);
            let serve: Serve = Arc::new(move |request| {
                let (clients, keys, handle) = (clients.clone(), keys.clone(), handle.clone());
                Box::pin(answer(request, move |request, context| {
                    let call = read(&request, context, keys.as_deref());
                    async move { handle(clients, call?).await.map(Into::into) }
                }))
            });
            Ok(serve)
        };
        Self { connect: Box::new(|| Box::pin(connect())) }
    }
}

/// Runs an endpoint as a Lambda function: `main` of every binary that has a route.
pub fn serve(endpoint: Endpoint) {
    run(async move {
        let serve = (endpoint.connect)().await?;
        let service = service_fn(move |request| {
            let answer = serve(request);
            async move { Ok::<_, std::convert::Infallible>(answer.await) }
        });
        lambda_http::run(service).await.map_err(|error| error.to_string())
    });
}

/// Starts telemetry and one thread's runtime: a function has one request at a time. What keeps a
/// function from starting goes to the log; the platform starts it anew.
pub(crate) fn run(function: impl Future<Output = Result<(), String>>) {
    telemetry::start();
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(function));
    if let Err(cause) = ended {
        tracing::error!(cause, "the function cannot run");
        std::process::exit(1);
    }
}

fn public_keys() -> Result<PublicKeys, String> {
    let keys = variable("JWT_PUBLIC_KEYS").map_err(|error| error.to_string())?;
    PublicKeys::parse(&keys).map_err(|error| error.to_string())
}

/// Runs a handler and turns what it says into an answer with a log line.
async fn answer<Handling>(
    request: Request,
    handle: impl FnOnce(Request, Context) -> Handling,
) -> Response
where
    Handling: Future<Output = Result<Response, Problem>>,
{
    let started = Instant::now();
    let context = context(&request);
    let span = tracing::info_span!("request", request_id = %context.request_id);
    let method = request.method().clone();
    let killed_at = request.lambda_context_ref().map(lambda_http::Context::deadline);
    let handling = tracing::Instrument::instrument(handle(request, context.clone()), span.clone());
    let handled = match killed_at {
        Some(killed_at) => deadline::within(killed_at, handling).await,
        None => Ok(handling.await),
    };
    let handled = handled.unwrap_or_else(|over| Err(over.into()));
    let _in_span = span.enter();
    let duration = started.elapsed();
    let mut response = match handled {
        Ok(response) => {
            log(&method, response.status(), None, duration);
            response
        }
        Err(problem) => {
            log(&method, problem.http_status(), Some(&problem), duration);
            problem.into_response(&context)
        }
    };
    if method == http::Method::HEAD {
        *response.body_mut() = lambda_http::Body::Empty;
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert("x-request-id", id);
    }
    for (name, value) in GUARDS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// What every answer tells a browser, unless it says otherwise itself. A return address holds a token, so no page tells the
/// next one where its visitor came from.
pub const GUARDS: [(http::HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// One line a request, at the border, which counts it too if it is a fault; the cause of a problem is told here and nowhere else.
fn log(
    method: &http::Method,
    status: StatusCode,
    problem: Option<&Problem>,
    duration: std::time::Duration,
) {
    let code = problem.map_or("OK", Problem::code);
    let cause = problem.and_then(Problem::cause).unwrap_or_default();
    let (status, duration_ms) = (status.as_u16(), duration.as_secs_f64() * 1000.0);
    if status >= 500 {
        tracing::error!(metric = "Faults", %method, status, code, cause, duration_ms, "request");
    } else {
        tracing::info!(%method, status, code, cause, duration_ms, "request");
    }
}

fn context(request: &Request) -> Context {
    let headers = request.headers().clone();
    let (request_id, address) = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(gateway)) => {
            (gateway.request_id.clone(), gateway.identity.source_ip.clone())
        }
        _ => (None, None),
    };
    let mut context = Context {
        request_id: request_id.unwrap_or_default(),
        now: Time::now(),
        language: Language::Korean,
        address: address.unwrap_or_default(),
        fingerprint: String::new(),
        headers,
    };
    context.language = preferred_language(&context.list(header::ACCEPT_LANGUAGE));
    context
}

/// SHA-256 of method, path and what the body says, in base64.
fn fingerprint(request: &Request, body: &serde_json::Value) -> String {
    let body = body.to_string();
    let mut hash = Sha256::new();
    for part in [request.method().as_str(), request.raw_http_path(), &body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    BASE64.encode(hash.finalize())
}

/// Parses a request in the order in which a caller would mend it: who, what it is about, what it says.
fn read<W: Who, I: Input>(
    request: &Request,
    mut context: Context,
    keys: Option<&PublicKeys>,
) -> Result<Call<W, I>, Problem> {
    let who = bearer::identify(&context.headers, keys, context.now)?;
    let variables = request.path_parameters();
    // An id that cannot be one names nothing: 404, not 422.
    let path = parse(object(variables.iter()), Place::Path, FieldFaults::default())
        .map_err(|_| Problem::new(codes::NOT_FOUND))?;
    let asked = request.query_string_parameters();
    let query = parse(object(asked.iter()), Place::Query, FieldFaults::default());
    let was_broken = |name: &str| asked.all(name).iter().flatten().any(|text| is_broken(text));
    if let Err(faults) = &query
        && let Some(fault) = faults.iter().find(|fault| was_broken(&fault.name))
    {
        return Err(Problem::field(Place::Query, &fault.name, codes::BROKEN_TEXT));
    }
    let (body, broken) = said(request, &context)?;
    context.fingerprint = fingerprint(request, &body);
    let body = parse(body, Place::Body, broken);
    let takes_one = TypeId::of::<I::Body>() != TypeId::of::<Nothing>();
    match (query, body) {
        // Where no field is required, nothing at all is still no body.
        (Ok(_), Ok(_)) if takes_one && request.body().is_empty() => {
            Err(Problem::new(codes::NOT_JSON))
        }
        (Ok(query), Ok(body)) => Ok(Call { who, input: I::of(path, query, body), context }),
        (query, body) => {
            let faults = query.err().into_iter().chain(body.err()).flatten();
            Err(Problem::fields(faults.collect()))
        }
    }
}

/// The body as JSON; nothing at all counts as `{}`, so that every missing field is named.
fn said(request: &Request, context: &Context) -> Result<(serde_json::Value, FieldFaults), Problem> {
    let body: &[u8] = request.body();
    if body.is_empty() {
        return Ok((serde_json::Map::new().into(), FieldFaults::default()));
    }
    if body.len() > MAX_BODY {
        return Err(Problem::status(StatusCode::PAYLOAD_TOO_LARGE, codes::BODY_TOO_LARGE));
    }
    let refused = |code| Problem::status(StatusCode::UNSUPPORTED_MEDIA_TYPE, code);
    let kind = context.headers.typed_get::<ContentType>().map(Mime::from);
    let is_json = |kind: &Mime| {
        let mut charsets = kind.params().filter(|(name, _)| *name == mime::CHARSET);
        kind.essence_str() == mime::APPLICATION_JSON && charsets.all(|(_, it)| it == mime::UTF_8)
    };
    if !kind.as_ref().is_some_and(is_json) {
        return Err(refused(codes::NOT_JSON_TYPE));
    }
    let is_packed = context.headers.contains_key(header::CONTENT_ENCODING)
        && !context.list(header::CONTENT_ENCODING).eq_ignore_ascii_case("identity");
    if is_packed {
        return Err(refused(codes::ENCODED));
    }
    json::read(body).map_err(|_| Problem::new(codes::NOT_JSON))
}

#[cfg(test)]
mod tests {
    use deserr::Deserr;
    use serde_json::json;

    use super::*;
    use crate::{Answer, Anyone, Anything, Body, FieldFaults, Query};

    #[derive(Debug, Deserr)]
    #[deserr(error = FieldFaults, deny_unknown_fields)]
    struct Note {
        text: String,
    }

    async fn echo(_: (), call: Call<Anyone, Body<Note>>) -> Result<Answer<String>, Problem> {
        let Body(note) = call.input;
        Ok(Answer::ok(note.text))
    }

    fn ask(
        endpoint: Endpoint,
        request: http::request::Builder,
        body: &str,
    ) -> (StatusCode, serde_json::Value) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let serve = (endpoint.connect)().await.unwrap();
            let response = serve(request.body(lambda_http::Body::from(body)).unwrap()).await;
            (response.status(), serde_json::from_slice(response.body()).unwrap_or_default())
        })
    }

    fn echo_endpoint() -> Endpoint {
        Endpoint::new(echo)
    }

    fn post() -> http::request::Builder {
        http::Request::builder()
            .method("POST")
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
    }

    #[test]
    fn what_is_not_json_is_400_and_bad_fields_are_422_with_pointers() {
        for (body, status, code) in [
            ("{", 400, "NOT_JSON"),
            ("", 422, "INVALID_FIELDS"),
            (r#"{"text":1}"#, 422, "INVALID_FIELDS"),
            (r#"{"text":"a","more":1}"#, 422, "INVALID_FIELDS"),
        ] {
            let (answered, problem) = ask(echo_endpoint(), post(), body);
            assert_eq!(
                (answered.as_u16(), problem["code"].as_str()),
                (status, Some(code)),
                "{body}"
            );
        }
        let (_, problem) = ask(echo_endpoint(), post(), r#"{"text":1}"#);
        assert_eq!(problem["errors"][0]["pointer"], json!("/text"));
        assert_eq!(ask(echo_endpoint(), post(), r#"{"text":"a"}"#), (StatusCode::OK, json!("a")));
    }

    #[derive(Debug, Deserr)]
    #[deserr(error = FieldFaults, deny_unknown_fields)]
    struct Patch {
        #[deserr(default)]
        text: Option<String>,
    }

    #[test]
    fn a_body_that_requires_nothing_is_still_a_body() {
        let endpoint = || {
            Endpoint::new(async |(), call: Call<Anyone, Body<Patch>>| {
                Ok(Answer::ok(call.input.0.text))
            })
        };
        for (body, status, answer) in [
            ("{}", 200, json!(null)),
            (r#"{"text":"a"}"#, 200, json!("a")),
            ("", 400, json!("NOT_JSON")),
            ("null", 422, json!("INVALID_FIELDS")),
        ] {
            let (answered, said) = ask(endpoint(), post(), body);
            let said = said.get("code").unwrap_or(&said);
            assert_eq!((answered.as_u16(), said), (status, &answer), "{body}");
        }
    }

    #[test]
    fn another_content_type_is_415_and_too_large_a_body_413() {
        for (kind, status) in [
            ("application/json", 200),
            ("Application/JSON;charset=UTF-8", 200),
            (r#"application/json; charset="utf-8""#, 200),
            ("application/json; boundary=x", 200),
            ("text/plain", 415),
            ("application/jsonx", 415),
            ("application/x-www-form-urlencoded", 415),
            ("application/json, text/plain", 415),
            ("application/json; charset=euc-kr", 415),
            ("application/json; charset=utf-16", 415),
            ("application/json; charset=", 415),
            ("application/json; charset=utf-8; charset=euc-kr", 415),
        ] {
            let request =
                http::Request::builder().method("POST").header(header::CONTENT_TYPE, kind);
            assert_eq!(ask(echo_endpoint(), request, r#"{"text":"a"}"#).0, status, "{kind}");
        }
        let large = format!(r#"{{"text":"{}"}}"#, "a".repeat(MAX_BODY));
        assert_eq!(ask(echo_endpoint(), post(), &large).0, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn a_packed_body_is_415_whatever_it_is_packed_with() {
        for (encodings, status) in [
            (&["identity"][..], 200),
            (&["IDENTITY"], 200),
            (&["gzip"], 415),
            (&["br"], 415),
            (&["identity, gzip"], 415),
            (&["identity", "gzip"], 415),
            (&[""], 415),
        ] {
            let named = encodings
                .iter()
                .fold(post(), |post, it| post.header(header::CONTENT_ENCODING, *it));
            assert_eq!(ask(echo_endpoint(), named, r#"{"text":"a"}"#).0, status, "{encodings:?}");
        }
    }

    #[test]
    fn broken_text_in_a_query_is_refused_by_whoever_reads_it() {
        #[derive(Deserr)]
        #[deserr(error = FieldFaults)]
        #[expect(dead_code, reason = "only its faults are read")]
        struct Bill {
            token: String,
        }
        async fn page(_: (), _: Call<Anyone, Query<Anything>>) -> Result<Answer<()>, Problem> {
            Ok(Answer::ok(()))
        }
        async fn bill(_: (), _: Call<Anyone, Query<Bill>>) -> Result<Answer<()>, Problem> {
            Ok(Answer::ok(()))
        }
        async fn strict(_: (), _: Call) -> Result<Answer<()>, Problem> {
            Ok(Answer::ok(()))
        }
        // As the gateway hands on `n_query=%BE%C8`, which a portal added.
        let added = ("n_query", "\u{FFFD}\u{FFFD}");
        for (endpoint, query, status, named) in [
            (Endpoint::new(page), vec![added], 200, None),
            (Endpoint::new(page), vec![added, added], 200, None),
            (Endpoint::new(bill), vec![("token", "a"), added], 200, None),
            (Endpoint::new(bill), vec![("token", "\u{FFFD}"), added], 400, Some("token")),
            (Endpoint::new(bill), vec![("token", "a"), ("token", "\u{FFFD}")], 400, Some("token")),
            (Endpoint::new(strict), vec![added], 400, Some("n_query")),
        ] {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (answered, problem) = runtime.block_on(async {
                let request = http::Request::new(lambda_http::Body::Empty);
                let mut parameters = std::collections::HashMap::<_, Vec<_>>::new();
                for (name, text) in &query {
                    parameters.entry(String::from(*name)).or_default().push(String::from(*text));
                }
                let serve = (endpoint.connect)().await.unwrap();
                let answer = serve(request.with_query_string_parameters(parameters)).await;
                (answer.status(), serde_json::from_slice(answer.body()).unwrap_or(json!({})))
            });
            assert_eq!(
                (answered.as_u16(), problem["errors"][0]["name"].as_str()),
                (status, named),
                "{query:?}"
            );
            if named.is_some() {
                assert_eq!(problem["code"], "BROKEN_TEXT");
            }
        }
    }

    #[test]
    fn a_browser_is_refused_with_a_page_and_a_program_with_a_document() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let serve = (echo_endpoint().connect)().await.unwrap();
            for (accept, kind) in [
                ("text/html,*/*;q=0.8", "text/html; charset=utf-8"),
                ("application/json", "application/problem+json"),
                ("*/*", "application/problem+json"),
            ] {
                let request =
                    post().header(header::ACCEPT, accept).body(lambda_http::Body::Empty).unwrap();
                let answer = serve(request).await;
                assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
                assert_eq!(answer.headers()[header::CONTENT_TYPE], kind, "{accept}");
            }
        });
    }

    #[test]
    fn every_answer_guards_its_reader() {
        async fn page(_: (), _: Call) -> Result<crate::Page, Problem> {
            Ok(crate::Page::html("<!doctype html>"))
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for endpoint in [echo_endpoint(), Endpoint::new(page)] {
                let serve = (endpoint.connect)().await.unwrap();
                let answer = serve(post().body(lambda_http::Body::Empty).unwrap()).await;
                let header = |name| answer.headers()[name].to_str().unwrap().to_owned();
                assert_eq!(header(header::REFERRER_POLICY), "no-referrer");
                assert!(header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"));
                assert!(header(header::CONTENT_SECURITY_POLICY).contains("frame-ancestors 'none'"));
                assert!(header(header::STRICT_TRANSPORT_SECURITY).starts_with("max-age="));
            }
        });
    }
}
