//! The words of a part's `functions.yaml`: what runs there, what each function may do and what it is given.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;
use serde_norway::Mapping;

/// A part's `functions.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// What the part is for, in a line.
    pub(crate) description: String,
    /// Everything that runs, by the name of its route or worker.
    pub(crate) functions: BTreeMap<Name, Row>,
    /// Queues that no function reads: what the part's functions send there waits for a person, and an alarm says so.
    #[serde(default)]
    pub(crate) dead_letters: Vec<Name>,
    /// Alarms on metrics that the part's functions report.
    #[serde(default)]
    pub(crate) alarms: BTreeMap<Name, Alarm>,
    /// Anything else, as CloudFormation has it.
    #[serde(default)]
    pub(crate) resources: Mapping,
}

/// A function. Actions are IAM's, without the service: the table, queue or bus before them says which one it is.
///
/// What a function reaches it is also told the address of: `queues: { hold: [SendMessage] }` is a permission and the
/// variable `HOLD_QUEUE_URL`, `secrets: [jwt]` is one and `JWT_SECRET_ID`, `files: { "exports/*": [PutObject] }` is one and
/// `FILES_BUCKET`. A route that wants a token is given the keys that verify it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// In MB, if not 256.
    pub(crate) memory: Option<u32>,
    /// In seconds, if not [`TIMEOUT`].
    pub(crate) timeout: Option<u32>,
    /// How many of it may run at once.
    pub(crate) reserved: Option<Reserved>,
    /// Parameters of the root template that it is given: `HoldSeconds` is its `HOLD_SECONDS`.
    #[serde(default)]
    pub(crate) variables: Vec<String>,
    /// What it does with which table, `sales`, or index, `sales.byMember`.
    #[serde(default)]
    pub(crate) tables: BTreeMap<String, Vec<String>>,
    /// What it does with which queue, of this part or another.
    #[serde(default)]
    pub(crate) queues: BTreeMap<Name, Vec<String>>,
    /// What it does with which keys of the bucket of files: `exports/*`. The bucket itself has none: `"": [ListBucketVersions]`.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, Vec<String>>,
    /// What it does with the bus of domain events.
    #[serde(default)]
    pub(crate) bus: Vec<String>,
    /// What it does as the sender of our mail: `SendEmail`.
    #[serde(default)]
    pub(crate) mail: Vec<String>,
    /// What it does with which path of OpenSearch: `Get`, `Post`. A path may have a `*` in it.
    #[serde(default)]
    pub(crate) search: BTreeMap<String, Vec<String>>,
    /// The secrets that it reads.
    #[serde(default)]
    pub(crate) secrets: Vec<Name>,
    /// The stream that it reads.
    pub(crate) stream: Option<Stream>,
    /// The queue that it reads.
    pub(crate) queue: Option<Queue>,
    /// When it runs by itself.
    pub(crate) schedule: Option<Schedule>,
}

/// The time limit of a function whose row has none, in seconds.
pub(crate) const TIMEOUT: u32 = 10;

/// A number, or a parameter of the root template.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Reserved {
    Number(u32),
    Parameter(String),
}

impl fmt::Display for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Parameter(name) => write!(f, "!Ref {name}"),
        }
    }
}

/// A table's stream. A record is tried for 23 of the 24 hours that the stream keeps it: what does not answer is no fault of it, and
/// what can never be done its reader gives up by itself. Then it goes to the dead-letter queue `<table>-stream-failures`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stream {
    /// Whose stream.
    pub(crate) table: Name,
    /// The sort keys of the items whose records are read, such as `EVENT`; all, if there are none.
    #[serde(default)]
    pub(crate) items: Vec<String>,
}

impl Stream {
    /// The parameter of the root template with its address.
    pub(crate) fn parameter(&self) -> String {
        format!("{}Stream", self.table.pascal())
    }

    pub(crate) fn failures(&self) -> Name {
        Name(format!("{}-stream-failures", self.table))
    }
}

/// A queue of the part's own, with its dead-letter queue `<name>-dead`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Queue {
    pub(crate) name: Name,
    /// How many messages at once.
    pub(crate) batch: u32,
    /// The domain events that a rule on the bus brings there as they are, by who publishes them: `spotlight.catalog: [EventPublished]`.
    /// What EventBridge can't deliver for a day goes to the dead-letter queue, too.
    #[serde(default)]
    pub(crate) events: BTreeMap<String, Vec<String>>,
}

impl Queue {
    /// Who publishes what comes there.
    pub(crate) fn sources(&self) -> String {
        self.events.keys().cloned().collect::<Vec<_>>().join(", ")
    }

    /// What comes there.
    pub(crate) fn names(&self) -> String {
        self.events.values().flatten().cloned().collect::<Vec<_>>().join(", ")
    }
}

/// When a function runs by itself. What could not start it is told to the dead-letter queue `<function>-missed`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schedule {
    /// `EventBridge` Scheduler's `rate(…)` or `cron(…)`.
    pub(crate) expression: String,
    /// How often a failed run is tried again.
    pub(crate) retries: u32,
    /// Within how many seconds it has to run, or an alarm rings.
    pub(crate) overdue: u32,
}

/// Rings as soon as the metric counts one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alarm {
    /// What it means.
    pub(crate) description: String,
    /// Whose metric.
    pub(crate) function: Name,
    /// What is counted.
    pub(crate) metric: String,
}

/// A name in lower case, `sign_up` or `hold-dead`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Name(pub(crate) String);

impl Name {
    /// `SignUp`, as CloudFormation calls things.
    pub(crate) fn pascal(&self) -> String {
        let word = |word: &str| {
            word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default()
        };
        self.0.split(['_', '-']).map(word).collect()
    }

    /// `SIGN_UP`, as the environment calls things.
    pub(crate) fn screaming(&self) -> String {
        self.0.replace('-', "_").to_uppercase()
    }

    /// The queue for what was received too often from this one.
    pub(crate) fn dead(&self) -> Self {
        Self(format!("{self}-dead"))
    }

    /// The queue for the times when the schedule could not start this function.
    pub(crate) fn missed(&self) -> Self {
        Self(format!("{self}-missed"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
