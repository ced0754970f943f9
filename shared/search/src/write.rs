use std::collections::BTreeMap;

use domain::id::EventId;
use opensearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::index::own_alias;
use crate::{Document, Error, Search};

/// So many documents go in one call, so that it ends within its time limit.
const AT_ONCE: usize = 200;

/// And so many bytes: half of what a small managed domain takes. A document alone is far below, though a title and a place of
/// many short words are found by 130 KB of keys.
const MAX_BYTES: usize = 5 * 1024 * 1024;

/// A document that the index did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place among those given.
    pub position: usize,
    /// Which event it tells of.
    pub id: EventId,
    /// Its HTTP status.
    pub status: u16,
    /// What OpenSearch said.
    pub reason: String,
}

impl Rejected {
    /// Whether the index may take it another time. 400 is for a document that does not fit, and never will; any other status
    /// (too busy, no shard, no disk) says nothing of the document.
    pub fn is_retryable(&self) -> bool {
        self.status != BAD_REQUEST
    }
}

impl Search {
    /// Writes documents to every index that is written: the one that is searched, and a new one while there is a rebuild.
    /// A document that is not newer than what is there changes nothing and is no error, so they may come twice, late and
    /// in any order.
    ///
    /// # Errors
    /// [`Error`] when nothing is known of any document; what is wrong with single ones is returned.
    pub async fn bulk(&self, documents: &[Document]) -> Result<Vec<Rejected>, Error> {
        let rejected = self.bulk_once(documents).await?;
        if rejected.iter().any(|rejected| rejected.reason.contains("index_not_found_exception")) {
            // A rebuild has just finished and deleted an index that we still knew.
            return self.bulk_once(documents).await;
        }
        Ok(rejected)
    }

    async fn bulk_once(&self, documents: &[Document]) -> Result<Vec<Rejected>, Error> {
        // Asked each time: who remembered the answer would not see a rebuild begin.
        let indices = self.indices(&self.write_alias()).await?;
        if indices.is_empty() {
            return Err(Error::NotReady {
                status: 404,
                reason: format!("no index behind {}", self.write_alias()),
            });
        }
        self.write(&indices, documents).await
    }

    pub(crate) async fn write(
        &self,
        indices: &[String],
        documents: &[Document],
    ) -> Result<Vec<Rejected>, Error> {
        // One entry a document, whichever of the indices refused it: one that may take it later, if there is one.
        let mut rejected: BTreeMap<usize, Rejected> = BTreeMap::new();
        let mut first = 0;
        while first < documents.len() {
            let (body, count) = bulk_body(indices, &documents[first..])?;
            let written: Written =
                self.call(Method::Post, "/_bulk?require_alias=true", Some(body)).await?;
            for (place, item) in written.items.into_iter().enumerate() {
                let position = first + place / indices.len();
                let Outcome { status, error } = item.index;
                let Some((error, document)) = error.zip(documents.get(position)) else {
                    continue;
                };
                if status == CONFLICT || rejected.get(&position).is_some_and(Rejected::is_retryable)
                {
                    continue;
                }
                let (id, reason) = (document.id(), error.to_string());
                rejected.insert(position, Rejected { position, id, status, reason });
            }
            first += count;
        }
        Ok(rejected.into_values().collect())
    }
}

/// The body of one call, with the number of documents that found room in it.
fn bulk_body(
    indices: &[String],
    documents: &[Document],
) -> Result<(String, usize), serde_json::Error> {
    let (mut body, mut count) = (String::new(), 0);
    for document in documents.iter().take(AT_ONCE) {
        let source = document.source()?.to_string();
        let mut lines = String::new();
        for index in indices {
            lines.push_str(&action(index, document).to_string());
            lines.push('\n');
            lines.push_str(&source);
            lines.push('\n');
        }
        if count > 0 && body.len() + lines.len() > MAX_BYTES {
            break;
        }
        body.push_str(&lines);
        count += 1;
    }
    Ok((body, count))
}

/// The status of a document that does not fit the index.
const BAD_REQUEST: u16 = 400;

/// The status of a document that is not newer than what is there.
const CONFLICT: u16 = 409;

fn action(index: &str, document: &Document) -> Value {
    json!({ "index": {
        "_index": own_alias(index),
        "_id": document.id(),
        "version": document.version(),
        "version_type": "external",
    } })
}

#[derive(Deserialize)]
struct Written {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: Outcome,
}

#[derive(Deserialize)]
struct Outcome {
    status: u16,
    error: Option<Value>,
}
