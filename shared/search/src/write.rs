use std::collections::BTreeMap;

use domain::id::EventId;
use opensearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::index::own_alias;
use crate::{Document, Error, Search};

/// So many documents go in one call: at their largest they stay below the 10 MiB of a small managed domain.
const AT_ONCE: usize = 200;

/// A document that the index did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place among those given.
    pub position: usize,
    /// Which event it tells of.
    pub id: EventId,
    /// What OpenSearch said.
    pub reason: String,
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
        // One entry a document, whichever of the indices refused it.
        let mut rejected = BTreeMap::new();
        for (chunk, documents) in documents.chunks(AT_ONCE).enumerate() {
            let mut lines = String::new();
            for document in documents {
                let source = document.source()?.to_string();
                for index in indices {
                    lines.push_str(&action(index, document).to_string());
                    lines.push('\n');
                    lines.push_str(&source);
                    lines.push('\n');
                }
            }
            let written: Written =
                self.call(Method::Post, "/_bulk?require_alias=true", Some(lines)).await?;
            for (place, item) in written.items.into_iter().enumerate() {
                let within = place / indices.len();
                let Some((error, document)) = item.index.error.zip(documents.get(within)) else {
                    continue;
                };
                if item.index.status != CONFLICT {
                    let position = chunk * AT_ONCE + within;
                    rejected.insert(
                        position,
                        Rejected { position, id: document.id(), reason: error.to_string() },
                    );
                }
            }
        }
        Ok(rejected.into_values().collect())
    }
}

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
