use crate::{Key, Store, StoreFault, Table};

/// A place where nothing ever stands.
struct Nowhere;

impl Key for Nowhere {
    type Item = ();
    const TABLE: Table = Table::Ephemeral;

    fn pair(&self) -> (String, String) {
        ("HEALTH".to_owned(), "HEALTH".to_owned())
    }
}

impl Store {
    /// Asks the database for an item that does not exist.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<(), StoreFault> {
        self.get(&Nowhere).await.map(drop)
    }
}
