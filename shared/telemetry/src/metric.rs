//! Metrics in CloudWatch's embedded metric format: the log line is the metric, no call is made.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde_json::{Map, Value, json};
use tracing::Level;

/// Marks an event as a metric for [`crate::lines`].
pub(crate) const TARGET: &str = "metric";

/// What the value of a metric counts, in CloudWatch's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pieces: requests, records, retries.
    Count,
    /// Durations, in milliseconds.
    Milliseconds,
    /// Sizes, in bytes.
    Bytes,
    /// Parts of a hundred.
    Percent,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Bytes => "Bytes",
            Self::Percent => "Percent",
        }
    }
}

/// Reports one value of the metric `name` (CamelCase) in the namespace `Spotlight`, with the dimensions
/// `function` and `code`. `code` is a stable word such as a problem's code or `OK`, never a value of
/// a person or an id: every new one is a new metric that is paid for.
pub fn metric(name: &'static str, code: &'static str, unit: Unit, value: f64) {
    tracing::event!(target: TARGET, Level::INFO, name, code, unit = unit.name(), value);
}

/// Turns the line of a metric's event into the embedded metric format. `now` is in milliseconds.
pub(crate) fn embed(line: &mut Map<String, Value>, now: i64) {
    let (Some(Value::String(name)), Some(unit), Some(value)) =
        (line.remove("name"), line.remove("unit"), line.remove("value"))
    else {
        return;
    };
    let metric = json!({
        "Namespace": "Spotlight",
        "Dimensions": [["function"], ["function", "code"]],
        "Metrics": [{ "Name": &name, "Unit": unit }],
    });
    line.insert("_aws".to_owned(), json!({ "Timestamp": now, "CloudWatchMetrics": [metric] }));
    line.insert(name, value);
}
