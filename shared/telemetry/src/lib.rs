//! What a function says about itself: one JSON line per event on standard output, which Lambda
//! hands to CloudWatch. Logs, metrics (embedded metric format) and span durations are all such
//! lines and all take the same way out, so that no personal data leaves by a side door:
//! only fields named in [`fields::ALLOWED`] are written, and every text is masked ([`mask::mask`]).
//!
//! Traces are X-Ray's id (`trace_id`) on every line plus one line with `duration_ms` when a span
//! ends. No agent runs beside these functions, so nothing is sent to X-Ray by hand.

pub mod fields;
mod lines;
pub mod mask;
mod metric;

use std::env;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Once;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{Targets, dynamic_filter_fn};
use tracing_subscriber::layer::SubscriberExt;

/// Sends every event of this process to standard output from now on, and every panic as one line.
/// The level comes from `RUST_LOG` (`info`, `warn,payments=debug`, …), `info` if it is not set.
/// A second call changes nothing.
pub fn start() {
    let wanted = env::var("RUST_LOG").ok().and_then(|wanted| Targets::from_str(&wanted).ok());
    let wanted = wanted.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    // A write that fails has nowhere to be reported to.
    let log = subscriber(wanted, |line| drop(io::stdout().lock().write_all(line)));
    if tracing::subscriber::set_global_default(log).is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let payload = panic.payload();
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            let location = panic.location().map(ToString::to_string);
            tracing::error!(error = text, location, "panic");
        }));
    }
}

/// The same lines for a test, which hands them to `sink` as they are written:
/// `tracing::subscriber::with_default(telemetry::captured(sink), || …)`.
pub fn captured(sink: impl Fn(&[u8]) + Send + Sync + 'static) -> impl Subscriber + Send + Sync {
    // `tracing` remembers of each place in the code whether anybody listens to it, and another test's thread may have come there
    // while nobody did. With somebody who never says no for good, each line is asked about anew.
    static ASKED: Once = Once::new();
    ASKED.call_once(|| {
        let nobody = tracing_subscriber::registry().with(dynamic_filter_fn(|_, _| false));
        // One that is set already listens.
        let _ = tracing::subscriber::set_global_default(nobody);
    });
    subscriber(Targets::new().with_default(LevelFilter::TRACE), sink)
}

fn subscriber(
    wanted: Targets,
    sink: impl Fn(&[u8]) + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    tracing_subscriber::registry().with(wanted).with(lines::Lines::new(sink))
}
