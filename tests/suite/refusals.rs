//! Requests that must be refused, and what their senders must be told.

use api::MAX_BODY;
use futures::{StreamExt, stream};
use reqwest::{RequestBuilder, header};
use serde_json::Value;

/// A request with what must come of it.
pub struct Refused {
    what: String,
    request: RequestBuilder,
    expected: Vec<Expected>,
}

enum Expected {
    Is(u16, String),
    Has {
        place: &'static str,
        name: String,
        codes: Vec<&'static str>,
    },
    /// So many bad values, and no more.
    Faults(usize),
}

impl Refused {
    pub fn new(what: impl Into<String>, request: RequestBuilder) -> Self {
        Self { what: what.into(), request, expected: Vec::new() }
    }

    pub fn is(mut self, status: u16, code: impl Into<String>) -> Self {
        self.expected.push(Expected::Is(status, code.into()));
        self
    }

    /// Names a bad value, with one of the codes; a body's by its pointer, another's by its name.
    pub fn has(mut self, place: &'static str, name: &str, codes: &[&'static str]) -> Self {
        let (name, codes) = (name.to_owned(), codes.to_vec());
        self.expected.push(Expected::Has { place, name, codes });
        self
    }

    pub fn faults(mut self, count: usize) -> Self {
        self.expected.push(Expected::Faults(count));
        self
    }

    /// What is wrong with the answer.
    async fn faulty(self) -> Option<String> {
        let response = self.request.send().await.unwrap();
        let status = response.status().as_u16();
        let kind = response.headers().get(header::CONTENT_TYPE).cloned();
        let text = response.text().await.unwrap();
        if text.len() > MAX_BODY {
            return Some(format!(
                "{}: {status}, {} bytes for what was less",
                self.what,
                text.len()
            ));
        }
        let Ok(problem) = serde_json::from_str::<Value>(&text) else {
            return Some(format!("{}: {status}, no JSON: {text}", self.what));
        };
        let keys = ["type", "title", "detail", "code", "errors", "requestId"];
        let whole = keys.iter().all(|key| problem.get(key).is_some())
            && problem["status"] == status
            && kind.is_some_and(|kind| kind == "application/problem+json");
        let kept = self.expected.iter().all(|expected| expected.holds(status, &problem));
        (!whole || !kept).then(|| format!("{}: {status} {problem}", self.what))
    }
}

impl Expected {
    fn holds(&self, status: u16, problem: &Value) -> bool {
        let faults = problem["errors"].as_array().map_or(&[][..], Vec::as_slice);
        match self {
            Self::Is(right, code) => status == *right && problem["code"] == **code,
            Self::Has { place, name, codes } => {
                let key = if *place == "body" { "pointer" } else { "name" };
                let named = |fault: &Value| {
                    fault["in"] == *place && fault[key] == **name && fault["detail"] != ""
                };
                let right = |fault: &Value| codes.iter().any(|code| fault["code"] == *code);
                status == 422 && faults.iter().any(|fault| named(fault) && right(fault))
            }
            Self::Faults(count) => faults.len() == *count,
        }
    }
}

/// How many are sent at once: as many as two cores serve without making each other wait.
const AT_ONCE: usize = 8;

/// Sends them all.
///
/// # Panics
/// When one is taken, or refused otherwise.
pub async fn all_refused(requests: Vec<Refused>) {
    let answers = stream::iter(requests).map(Refused::faulty).buffer_unordered(AT_ONCE);
    let faulty: Vec<String> = answers.filter_map(async |fault| fault).collect().await;
    assert!(faulty.is_empty(), "{} of them:\n{}", faulty.len(), faulty.join("\n"));
}
