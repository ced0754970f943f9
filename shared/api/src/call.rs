use deserr::Deserr;
use domain::{fault::Code, language::Language, time::Time};
use http::{HeaderMap, header};

use crate::{Anyone, FieldFaults, Idempotency, Nothing, Precondition, Problem, problem::Place};

/// One request, parsed and checked: once a handler has it, every value in it is valid.
#[derive(Debug)]
pub struct Call<Who = Anyone, In = ()> {
    /// Who is calling, as far as the route requires it.
    pub who: Who,
    /// What the route takes: a [`Path`], a [`Query`], a [`Body`], or a tuple of these in this order.
    pub input: In,
    /// What all routes know of a request.
    pub context: Context,
}

impl<W, I> Call<W, I> {
    /// The `Idempotency-Key` of this request with the hash of what it asks.
    ///
    /// # Errors
    /// `IDEMPOTENCY_KEY_MISSING` or a bad key: 422 that points to the header.
    pub fn idempotency(&self) -> Result<Idempotency, Problem> {
        Idempotency::read(&self.context)
    }

    /// Which version of what it changes the caller has seen.
    ///
    /// # Errors
    /// `IF_MATCH_MISSING` or `IF_MATCH_INVALID`: 422 that points to the header.
    pub fn precondition(&self) -> Result<Precondition, Problem> {
        Precondition::read(&self.context)
    }
}

/// The variables in the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// The query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// The JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// What a route takes. A place that it does not name must be empty: unknown fields are refused there, too.
pub trait Input: Sized {
    /// What its path is.
    type Path: Deserr<FieldFaults>;
    /// What its query string is.
    type Query: Deserr<FieldFaults>;
    /// What its body is.
    type Body: Deserr<FieldFaults> + 'static;

    /// Of all three parts.
    fn of(path: Self::Path, query: Self::Query, body: Self::Body) -> Self;
}

macro_rules! input {
    ($input:ty: $path:ty, $query:ty, $body:ty => |$p:pat_param, $q:pat_param, $b:pat_param| $of:expr; $($t:ident),*) => {
        impl<$($t: Deserr<FieldFaults> + 'static),*> Input for $input {
            type Path = $path;
            type Query = $query;
            type Body = $body;

            fn of($p: $path, $q: $query, $b: $body) -> Self {
                $of
            }
        }
    };
}

input!((): Nothing, Nothing, Nothing => |_, _, _| (););
input!(Path<P>: P, Nothing, Nothing => |p, _, _| Path(p); P);
input!(Query<Q>: Nothing, Q, Nothing => |_, q, _| Query(q); Q);
input!(Body<B>: Nothing, Nothing, B => |_, _, b| Body(b); B);
input!((Path<P>, Query<Q>): P, Q, Nothing => |p, q, _| (Path(p), Query(q)); P, Q);
input!((Path<P>, Body<B>): P, Nothing, B => |p, _, b| (Path(p), Body(b)); P, B);

/// What all routes know of a request.
#[derive(Debug, Clone)]
pub struct Context {
    /// The gateway's id of this request; it stands in every log line and answer.
    pub request_id: String,
    /// When the request arrived. A handler takes the time from here, so that a test can set it.
    pub now: Time,
    /// The language of problems and pages.
    pub language: Language,
    /// The caller's network address, for rate limits only.
    pub address: String,
    /// SHA-256 of method, path and body, in base64: what an idempotency key stands for.
    pub fingerprint: String,
    /// The request's headers.
    pub headers: HeaderMap,
}

impl Context {
    /// A context without headers at a given time: what a test or a script calls a handler with.
    pub fn at(now: Time) -> Self {
        Self {
            request_id: "test".into(),
            now,
            language: Language::English,
            address: "127.0.0.1".into(),
            fingerprint: String::new(),
            headers: HeaderMap::new(),
        }
    }

    /// A header's text, if it is there and readable.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header that is a list, whose parts may come in several lines (RFC 9110, 5.3).
    pub(crate) fn list(&self, name: header::HeaderName) -> String {
        let lines = self.headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        lines.collect::<Vec<_>>().join(",")
    }

    /// The values of a cookie: of one name there may be several, for other paths and domains.
    pub fn cookies(&self, name: &str) -> Vec<String> {
        let lines = self.headers.get_all(header::COOKIE).iter();
        let text = lines.map(|line| String::from_utf8_lossy(line.as_bytes())).collect::<Vec<_>>();
        let cookies = text.iter().flat_map(|line| line.split(';'));
        let pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
        pairs.filter(|(other, _)| *other == name).map(|(_, value)| value.to_owned()).collect()
    }

    /// Whether the caller would rather have a page than JSON, as a browser would.
    pub fn prefers_html(&self) -> bool {
        let html = |kind: &str| match kind {
            "text/html" | "text/*" => Some(true),
            "*/*" | "application/*" => Some(false),
            kind => kind.ends_with("json").then_some(false),
        };
        let kinds = weighed(&self.list(header::ACCEPT));
        let mut taken = kinds.iter().filter(|(_, quality)| *quality > 0.0);
        taken.find_map(|(kind, _)| html(kind)).unwrap_or(false)
    }

    /// Which of these kinds of answer the caller would rather have: the first of them, if it does not mind, or wants none.
    pub fn prefers(&self, ours: &[&'static str]) -> Option<&'static str> {
        let fits = |asked: &str, kind: &str| match asked.split_once("/*") {
            Some((class, "")) => class == "*" || kind.split('/').next() == Some(class),
            _ => asked == kind,
        };
        let accepted = weighed(&self.list(header::ACCEPT));
        let mut taken = accepted.iter().filter(|(_, quality)| *quality > 0.0);
        let named = taken.find_map(|(asked, _)| ours.iter().find(|kind| fits(asked, kind)));
        named.or(ours.first()).copied()
    }

    /// Whether the caller names JSON, and nothing that it would rather have. `*/*` names nothing.
    pub fn names_json(&self) -> bool {
        let kinds = weighed(&self.list(header::ACCEPT));
        kinds.first().is_some_and(|(kind, quality)| kind.ends_with("json") && *quality > 0.0)
    }

    /// A problem with one header, at its place.
    pub(crate) fn bad_header(&self, name: &'static str, code: Code) -> Problem {
        Problem::field(Place::Header, name, code)
    }
}

/// The one of our languages that `Accept-Language` prefers; when none is, Korean, unless just that is refused.
pub(crate) fn preferred_language(header: &str) -> Language {
    let ours = |(tag, quality): (String, f32)| match tag.split('-').next() {
        Some("ko") => Some((Language::Korean, quality)),
        Some("en") => Some((Language::English, quality)),
        _ => None,
    };
    let named: Vec<_> = weighed(header).into_iter().filter_map(ours).collect();
    let unnamed = |ours: &Language| named.iter().all(|(language, _)| language != ours);
    match named.first() {
        Some((best, quality)) if *quality > 0.0 => *best,
        _ => [Language::Korean, Language::English]
            .into_iter()
            .find(unnamed)
            .unwrap_or(Language::Korean),
    }
}

/// What a header such as `Accept` names, in lower case, with its quality: the best first, then in the caller's own order. 0, or
/// what is no quality, refuses.
fn weighed(header: &str) -> Vec<(String, f32)> {
    let header = header.to_ascii_lowercase();
    let weigh = |item: &str| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_owned();
        let Some(quality) = parts.find_map(|parameter| parameter.strip_prefix("q=")) else {
            return (name, 1.0);
        };
        let quality = quality.parse().ok().filter(|quality| (0.0..=1.0).contains(quality));
        (name, quality.unwrap_or(0.0))
    };
    let mut named: Vec<(String, f32)> = header.split(',').map(weigh).collect();
    named.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_the_one_of_ours_that_is_preferred_and_the_first_for_whoever_does_not_mind() {
        let ours = ["application/json", "text/csv", "image/png"];
        for (header, preferred) in [
            (None, 0),
            (Some("*/*"), 0),
            (Some("text/html"), 0),
            (Some("text/csv"), 1),
            (Some("TEXT/CSV; charset=utf-8"), 1),
            (Some("text/*"), 1),
            (Some("image/*, application/json;q=0.9"), 2),
            (Some("text/csv;q=0.1, application/json;q=0.2"), 0),
            (Some("text/csv;q=0"), 0),
            (Some("text/html, text/csv;q=0.2, */*;q=0.1"), 1),
        ] {
            let mut context = Context::at(Time::now());
            if let Some(header) = header {
                context.headers.insert(header::ACCEPT, header.parse().unwrap());
            }
            assert_eq!(context.prefers(&ours), Some(ours[preferred]), "{header:?}");
        }
        assert_eq!(Context::at(Time::now()).prefers(&[]), None);
    }

    #[test]
    fn the_language_is_the_one_that_is_preferred_and_korean_for_whoever_does_not_ask() {
        for (header, language) in [
            (None, Language::Korean),
            (Some("fr"), Language::Korean),
            (Some("fr, en-GB;q=0.8"), Language::English),
            (Some("ko-KR,en"), Language::Korean),
            (Some("é"), Language::Korean),
            (Some("ko;q=0.5, en"), Language::English),
            (Some("en;q=0.4, ko;q=0.4"), Language::English),
            (Some("EN-us ; q=0.1"), Language::English),
            (Some("en;q=0.1, ko;q=0.9"), Language::Korean),
            (Some("ko;q=0.1, *;q=0.5, en;q=0.9"), Language::English),
            (Some("en;q=0, *"), Language::Korean),
            (Some("en;q=x"), Language::Korean),
            (Some("eng"), Language::Korean),
            (Some("ko;q=0, en"), Language::English),
            (Some("ko;q=0, *"), Language::English),
            (Some("fr, ko;q=0"), Language::English),
            (Some("ko;q=0, en;q=0"), Language::Korean),
            (Some("*"), Language::Korean),
            (Some("en;q=1.5, ko;q=0.1"), Language::Korean),
            (Some("en;q=inf"), Language::Korean),
            (Some("en;q=-1"), Language::Korean),
            (Some("en;Q=0.1, ko;Q=0.9"), Language::Korean),
            (Some(", ,en"), Language::English),
        ] {
            assert_eq!(preferred_language(header.unwrap_or_default()), language, "{header:?}");
        }
    }

    #[test]
    fn a_list_may_come_in_several_lines() {
        let mut context = Context::at(Time::now());
        for line in ["text/html;q=0.1", "application/json"] {
            context.headers.append(header::ACCEPT, http::HeaderValue::from_static(line));
        }
        assert!(!context.prefers_html());
        assert_eq!(preferred_language("en;q=0.1,ko;q=0.9"), Language::Korean);
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut context = Context::at(Time::now());
        let value = http::HeaderValue::from_static("a_refresh=no; refresh=yes; x=1");
        context.headers.insert(header::COOKIE, value);
        assert_eq!(context.cookies("refresh"), ["yes"]);
        assert!(context.cookies("fresh").is_empty() && context.cookies("Refresh").is_empty());
    }

    #[test]
    fn cookies_of_one_name_are_all_found() {
        let mut context = Context::at(Time::now());
        // Whatever others call theirs, and in whatever letters.
        for line in ["refresh=a; x=1;refresh=b", "이름=가; refresh=c", "refresh; =; refresh=d=e"]
        {
            context.headers.append(header::COOKIE, http::HeaderValue::from_str(line).unwrap());
        }
        assert_eq!(context.cookies("refresh"), ["a", "b", "c", "d=e"]);
    }

    #[test]
    fn a_page_is_for_whoever_prefers_it() {
        let mut context = Context::at(Time::now());
        for (accept, page) in [
            ("*/*", false),
            ("application/json", false),
            ("text/html,application/xhtml+xml,*/*", true),
            ("application/json, text/html", false),
            ("application/json;q=0.9, text/html", true),
            ("text/html;q=0.5, application/problem+json", false),
            ("text/html;q=0", false),
            ("text/html;q=0.1, application/json", false),
            ("*/*;q=0.9, text/html;q=0.5", false),
            ("application/*, text/html;q=0.5", false),
            ("text/html, */*", true),
            ("text/*", true),
            ("TEXT/HTML", true),
            ("image/png", false),
        ] {
            let value = http::HeaderValue::from_static(accept);
            context.headers.insert(header::ACCEPT, value);
            assert_eq!(context.prefers_html(), page, "{accept}");
        }
    }
}
