use domain::time::Time;
use opensearch::http::Method;
use serde_json::{Map, Value, json};

use crate::{Document, Error, Rejected, Search};

const DEFINITION: &str = include_str!("../../../infra/search/events.json");

/// An index that is being filled and not searched yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIndex(String);

impl Search {
    /// Makes the index and its aliases unless they are there; one that is there learns the fields that it does not know yet.
    /// Two may do it at once.
    ///
    /// # Errors
    /// [`Error`], as its variants say.
    pub async fn ensure(&self) -> Result<(), Error> {
        if !self.indices(self.read_alias()).await?.is_empty() {
            return self.add_fields().await;
        }
        // The first index has a name that everybody knows, so that a second one can't be made beside it.
        let first = format!("{}-1", self.read_alias());
        match self.create(&first, definition()?, &[self.read_alias(), &self.write_alias()]).await {
            Err(Error::Refused { reason, .. })
                if reason.contains("resource_already_exists_exception") =>
            {
                Ok(())
            }
            made => made,
        }
    }

    /// Starts to fill a new index: from now on [`Search::bulk`] writes to it too. One rebuild is under way at a time; what
    /// an earlier one left unfinished is thrown away, and its finish will fail. The index is made by our own definition, or by
    /// another: that of the next release, where it can't be had by adding fields.
    ///
    /// Then read the table **consistently**, give everything to [`Search::bulk_into`], and call
    /// [`Search::finish_rebuild`]. Nothing is lost: what a worker wrote before it knew of the new index was in the table
    /// before the reading began, and versions settle which of two documents stays.
    ///
    /// # Errors
    /// [`Error`], as its variants say.
    pub async fn begin_rebuild(&self, other: Option<Value>) -> Result<NewIndex, Error> {
        let searched = self.indices(self.read_alias()).await?;
        for written in self.indices(&self.write_alias()).await? {
            if !searched.contains(&written) {
                self.call::<Value>(Method::Delete, &format!("/{written}"), None).await?;
            }
        }
        let name = format!("{}-{}", self.read_alias(), Time::now().millis());
        let definition = other.map_or_else(definition, Ok)?;
        self.create(&name, definition, &[&self.write_alias()]).await?;
        Ok(NewIndex(name))
    }

    /// Writes documents into a new index alone. As with [`Search::bulk`], an older version is no error.
    ///
    /// # Errors
    /// [`Error`], as its variants say; what is wrong with single documents is returned.
    pub async fn bulk_into(
        &self,
        index: &NewIndex,
        documents: &[Document],
    ) -> Result<Vec<Rejected>, Error> {
        self.write(std::slice::from_ref(&index.0), documents).await
    }

    /// Searches the new index from now on, in one step, and deletes the old one.
    ///
    /// # Errors
    /// [`Error::NotReady`] when the new index is gone because another rebuild began; else as the variants say.
    pub async fn finish_rebuild(&self, new: NewIndex) -> Result<(), Error> {
        // Without it the index would be searched before it shows what it holds.
        self.call::<Value>(Method::Post, &format!("/{}/_refresh", new.0), None).await?;
        let old = self.indices(self.read_alias()).await?;
        let mut actions: Vec<Value> =
            old.iter().map(|old| json!({ "remove_index": { "index": old } })).collect();
        actions.push(json!({ "add": { "index": new.0, "alias": self.read_alias() } }));
        self.call::<Value>(
            Method::Post,
            "/_aliases",
            Some(json!({ "actions": actions }).to_string()),
        )
        .await?;
        Ok(())
    }

    /// Deletes whatever stands behind the aliases: for tests, which have an alias of their own.
    ///
    /// # Errors
    /// [`Error`], as its variants say.
    pub async fn delete_all(&self) -> Result<(), Error> {
        for index in self.indices(&self.write_alias()).await? {
            self.call::<Value>(Method::Delete, &format!("/{index}"), None).await?;
        }
        Ok(())
    }

    /// The name behind which stands each index that is written.
    pub(crate) fn write_alias(&self) -> String {
        format!("{}-write", self.read_alias())
    }

    /// The indices behind an alias; none when there is no such alias.
    pub(crate) async fn indices(&self, alias: &str) -> Result<Vec<String>, Error> {
        match self.call::<Map<String, Value>>(Method::Get, &format!("/_alias/{alias}"), None).await
        {
            Ok(indices) => Ok(indices.into_iter().map(|(index, _)| index).collect()),
            Err(Error::NotReady { status: 404, .. }) => Ok(Vec::new()),
            Err(failed) => Err(failed),
        }
    }

    /// Teaches every index that is written the fields of our definition. What it has already can't be changed so.
    async fn add_fields(&self) -> Result<(), Error> {
        let path = format!("/{}/_mapping", self.write_alias());
        let mappings = definition()?["mappings"].to_string();
        self.call::<Value>(Method::Put, &path, Some(mappings)).await?;
        Ok(())
    }

    /// Every index also has an alias of its own, since only an alias can be written to without being made by the writing.
    async fn create(
        &self,
        index: &str,
        mut definition: Value,
        aliases: &[&str],
    ) -> Result<(), Error> {
        for alias in aliases {
            definition["aliases"][alias] = json!({});
        }
        definition["aliases"][own_alias(index)] = json!({});
        self.call::<Value>(Method::Put, &format!("/{index}"), Some(definition.to_string())).await?;
        Ok(())
    }
}

pub(crate) fn definition() -> Result<Value, serde_json::Error> {
    serde_json::from_str(DEFINITION)
}

/// The alias that one index has alone.
pub(crate) fn own_alias(index: &str) -> String {
    format!("{index}-own")
}
