//! Metrics in CloudWatch's embedded metric format: a log line is the metric, no call is made and no second line written.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! A line counts one of what its field `metric` names. Every metric is paid for in each hour in which it is counted, so there is
//! none of what goes well: how often and how fast a function runs, Lambda and the gateway measure for nothing.

use std::env;

use serde_json::{Map, Value, json};

/// What an endpoint or a worker counts when it fails.
const FAULTS: &str = "Faults";

/// Makes a line a metric of its function's stage. Of faults it is told by which version, so that a release is judged by its
/// own, and with which `code`.
pub(crate) fn embed(line: &mut Map<String, Value>, name: &str, now: i64) {
    let of_lambda = |name: &str| env::var(name).unwrap_or_default();
    let mut dimensions = vec![vec!["function"]];
    if name == FAULTS {
        dimensions = vec![vec!["function", "version"], vec!["function", "code"]];
        line.insert("version".to_owned(), of_lambda("AWS_LAMBDA_FUNCTION_VERSION").into());
    }
    let metric = json!({
        "Namespace": format!("Spotlight/{}", of_lambda("STAGE")),
        "Dimensions": dimensions,
        "Metrics": [{ "Name": name, "Unit": "Count" }],
    });
    line.insert("_aws".to_owned(), json!({ "Timestamp": now, "CloudWatchMetrics": [metric] }));
    line.insert(name.to_owned(), 1.into());
}
