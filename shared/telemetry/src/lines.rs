//! Writes each event, and each span's end, as one line of JSON.

use std::env;
use std::fmt::Debug;
use std::time::{Instant, SystemTime};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::{fields, mask, metric};

pub(crate) struct Lines<Sink> {
    function: String,
    sink: Sink,
}

impl<Sink: Fn(&[u8])> Lines<Sink> {
    /// The function's name is Lambda's, or the program's when it runs elsewhere.
    pub(crate) fn new(sink: Sink) -> Self {
        let program = || Some(env::current_exe().ok()?.file_stem()?.to_str()?.to_owned());
        let function = env::var("AWS_LAMBDA_FUNCTION_NAME").ok().or_else(program);
        Self { function: function.unwrap_or_default(), sink }
    }

    /// `spans` are the fields of the spans around, outermost first; a later value wins.
    fn write<'a>(
        &self,
        metadata: &Metadata<'_>,
        spans: impl Iterator<Item = &'a Map<String, Value>>,
        own: Map<String, Value>,
        metric: Option<&str>,
    ) {
        #[expect(clippy::disallowed_methods, reason = "a log line shows the clock on the wall")]
        let now = Timestamp::try_from(SystemTime::now()).unwrap_or_default();
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), format!("{now:.3}").into());
        line.insert("level".to_owned(), metadata.level().as_str().into());
        line.insert("function".to_owned(), self.function.as_str().into());
        for span in spans {
            line.extend(span.clone());
        }
        if !line.contains_key("trace_id")
            && let Ok(header) = env::var("_X_AMZN_TRACE_ID")
        {
            line.insert("trace_id".to_owned(), trace_id(&header).into());
        }
        line.extend(own);
        if let Some(name) = metric {
            metric::embed(&mut line, name, now.as_millisecond());
        }
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        (self.sink)(text.as_bytes());
    }
}

impl<S, Sink> Layer<S> for Lines<Sink>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    Sink: Fn(&[u8]) + Send + Sync + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut values = Values::default();
        attributes.record(&mut values);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Open { since: Instant::now(), fields: values.allowed });
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let mut values = Values::default();
        record.record(&mut values);
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            open.fields.extend(values.allowed);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut values = Values::default();
        event.record(&mut values);
        if !values.dropped.is_empty() {
            values.allowed.insert("dropped".to_owned(), values.dropped.into());
        }
        let spans: Vec<_> =
            context.event_scope(event).into_iter().flat_map(|s| s.from_root()).collect();
        let spans: Vec<_> = spans.iter().map(|span| span.extensions()).collect();
        let fields = spans.iter().filter_map(|span| span.get::<Open>()).map(|open| &open.fields);
        self.write(event.metadata(), fields, values.allowed, values.metric.as_deref());
    }

    /// A span's end is a line with its duration, as a subsegment of a trace would be. The two spans
    /// around each request are left out: whoever answers it logs one line with its duration.
    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if span.name() == "request" || span.metadata().target().starts_with("lambda_runtime") {
            return;
        }
        let spans: Vec<_> = span.scope().from_root().collect();
        let spans: Vec<_> = spans.iter().map(|span| span.extensions()).collect();
        let open = || spans.iter().filter_map(|span| span.get::<Open>());
        let Some(since) = open().next_back().map(|open| open.since) else { return };
        let mut own = Map::new();
        own.insert("span".to_owned(), span.name().into());
        own.insert("duration_ms".to_owned(), (since.elapsed().as_micros() as f64 / 1000.0).into());
        self.write(span.metadata(), open().map(|open| &open.fields), own, None);
    }
}

/// What a span that has not ended yet remembers.
struct Open {
    since: Instant,
    fields: Map<String, Value>,
}

/// Collects the fields of an event or a span, masked.
#[derive(Default)]
struct Values {
    /// What the line counts one of.
    metric: Option<String>,
    allowed: Map<String, Value>,
    dropped: Vec<&'static str>,
}

impl Values {
    fn put(&mut self, field: &Field, value: Value) {
        if field.name() == "metric" {
            self.metric = value.as_str().map(str::to_owned);
            return;
        }
        let (name, value) = match field.name() {
            // The Lambda runtime's span has its own spelling.
            "requestId" => ("request_id", value),
            "xrayTraceId" => ("trace_id", value.as_str().map(trace_id).into()),
            name if fields::ALLOWED.contains(&name) => (name, value),
            name => return self.dropped.push(name),
        };
        self.allowed.insert(name.to_owned(), value);
    }
}

impl Visit for Values {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, mask::mask(value).into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

/// `Root=1-5759e988-…;Parent=…;Sampled=1` → `1-5759e988-…`
fn trace_id(header: &str) -> &str {
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="));
    root.unwrap_or(header)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;
    use tracing::{info_span, subscriber};

    use super::*;

    fn lines(run: impl FnOnce()) -> Vec<Value> {
        let written = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&written);
        let log = crate::captured(move |line| kept.lock().unwrap().push(line.to_vec()));
        subscriber::with_default(log, run);
        let written = written.lock().unwrap();
        written
            .iter()
            .map(|line| serde_json::from_slice(line).expect("each write is one JSON document"))
            .collect()
    }

    #[test]
    fn a_line_has_level_time_function_and_the_request_id_of_the_spans_around() {
        let lines = lines(|| {
            let runtime =
                info_span!("invoke", requestId = "outer", xrayTraceId = "Root=1-aa-bb;Sampled=1");
            let _runtime = runtime.entered();
            let _request =
                info_span!("request", request_id = "req-1", payment_id = "pay_1").entered();
            tracing::warn!(duration_ms = 12, "slow");
        });
        let line = &lines[0];
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["message"], "slow");
        assert_eq!(line["request_id"], "req-1");
        assert_eq!(line["payment_id"], "pay_1");
        assert_eq!(line["trace_id"], "1-aa-bb");
        assert_eq!(line["duration_ms"], 12);
        assert!(line["function"].as_str().unwrap().starts_with("telemetry"));
        assert!(line["timestamp"].as_str().unwrap().parse::<Timestamp>().is_ok());
    }

    #[test]
    fn a_span_that_ends_leaves_its_duration() {
        let lines = lines(|| drop(info_span!("kakaopay ready", payment_id = "pay_1")));
        assert_eq!(lines[0]["span"], "kakaopay ready");
        assert_eq!(lines[0]["payment_id"], "pay_1");
        assert!(lines[0]["duration_ms"].as_f64().unwrap() >= 0.0);
    }

    #[test]
    fn a_line_with_a_metric_is_one_in_the_embedded_metric_format() {
        let lines = lines(|| {
            let _request = info_span!("request", request_id = "req-1").entered();
            tracing::error!(
                metric = "NeedsPerson",
                payment_id = "pay_1",
                "a payment needs a person"
            );
            tracing::error!(metric = "Faults", code = "INTERNAL", status = 500, "request");
            tracing::error!(status = 500, "request");
        });
        for (line, name, dimensions) in [
            (&lines[0], "NeedsPerson", json!([["function"]])),
            (&lines[1], "Faults", json!([["function", "version"], ["function", "code"]])),
        ] {
            assert_eq!(line[name], 1);
            assert_eq!(line["request_id"], "req-1");
            assert!(line["_aws"]["Timestamp"].as_i64().unwrap() > 1_700_000_000_000);
            let directive = &line["_aws"]["CloudWatchMetrics"][0];
            assert!(directive["Namespace"].as_str().unwrap().starts_with("Spotlight/"));
            assert_eq!(directive["Metrics"], json!([{ "Name": name, "Unit": "Count" }]));
            assert_eq!(directive["Dimensions"], dimensions);
            for dimension in
                dimensions.as_array().unwrap().iter().flat_map(|it| it.as_array().unwrap())
            {
                assert!(
                    line[dimension.as_str().unwrap()].is_string(),
                    "{dimension} must be in the line"
                );
            }
        }
        assert_eq!(lines[0]["message"], "a payment needs a person");
        assert!(lines[2].get("_aws").is_none());
        assert_eq!(lines.len(), 3, "a metric costs no line of its own");
    }

    /// Every field that may be logged is given a value full of what must not be.
    #[test]
    fn no_allowed_field_carries_personal_data_or_a_secret_out() {
        const CAUSE: &str = "fan@example.com 010-1234-5678 Bearer abcdef123 eyJhbGciOi.eyJzdWIi.c2ln \
             pg_token=t0ken99 /v1/payments/pay_1/returns/r3turn77/approve \"password\":\"hunter2\"";
        const PRIVATE: [&str; 7] =
            ["fan@example", "1234-5678", "abcdef123", "eyJ", "t0ken99", "r3turn77", "hunter2"];
        let lines = lines(|| fields::log_each(CAUSE));
        assert_eq!(lines.len(), fields::ALLOWED.len());
        for (line, field) in lines.iter().zip(fields::ALLOWED) {
            assert!(line[field].is_string(), "{field} is missing in {line}");
            for private in PRIVATE {
                assert!(!line.to_string().contains(private), "{private} in {line}");
            }
        }
    }

    #[test]
    fn a_field_nobody_allowed_is_left_out_by_name() {
        let lines = lines(|| {
            tracing::info!(nickname = "달빛", birth_date = "1990-01-01", count = 1, "signed up")
        });
        assert_eq!(lines[0]["dropped"], serde_json::json!(["nickname", "birth_date"]));
        assert!(!lines[0].to_string().contains("달빛"));
        assert!(!lines[0].to_string().contains("1990"));
    }
}
