//! All that a member is handed of their own, as it leaves us: in an answer, or in a file.

use domain::id::{ExportId, MemberId};
use gateways::{Message, files::Kind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{
    Store, StoreFault,
    personal::{Section, Section::Account},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ArrayBuilder, ObjectBuilder, Schema},
    },
};

/// What whoever keeps it is told of it.
pub const KIND: Kind = Kind {
    media_type: "application/json",
    disposition: "attachment; filename=\"spotlight-space.json\"",
};

/// An export that somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    /// Whose.
    pub member_id: MemberId,
    /// Which.
    pub export_id: ExportId,
}

impl Message for Wanted {
    const QUEUE: &'static str = "EXPORT_QUEUE_URL";
}

impl Wanted {
    /// Where its file is.
    pub fn file(&self) -> String {
        format!("{}{}.json", folder(self.member_id), self.export_id)
    }
}

/// Where the files of a member are, so that they can go when the member leaves.
pub fn folder(member_id: MemberId) -> String {
    format!("exports/{member_id}/")
}

/// Everything that is kept of a member, as JSON.
#[derive(Debug)]
pub struct OwnData(pub String);

impl OwnData {
    /// Gathers it page by page; stops, with nothing, when it is more than so many bytes.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn of(
        store: &Store,
        member_id: MemberId,
        most: usize,
    ) -> Result<Option<Self>, StoreFault> {
        let (mut fields, mut size) = (Vec::new(), 0);
        for section in Section::ALL {
            let (mut items, mut start) = (Vec::new(), None);
            loop {
                let page = store.handed(member_id, section, start).await?;
                let texts: Vec<_> = page.items.iter().map(Value::to_string).collect();
                size += texts.iter().map(String::len).sum::<usize>();
                if size > most {
                    return Ok(None);
                }
                items.extend(texts);
                start = page.next;
                if start.is_none() {
                    break;
                }
            }
            let value = match section {
                Account => items.pop().unwrap_or_else(|| Value::Null.to_string()),
                _ => format!("[{}]", items.join(",")),
            };
            fields.push(format!("\"{}\":{value}", section.name()));
        }
        Ok(Some(Self(format!("{{{}}}", fields.join(",")))))
    }
}

impl ToSchema for OwnData {}

impl PartialSchema for OwnData {
    fn schema() -> RefOr<Schema> {
        let about = "Everything that is kept of a member, the newest of a kind first; only events come in the order of their ends.";
        let whole = ObjectBuilder::new().description(Some(about));
        let whole = Section::ALL.into_iter().fold(whole, |whole, section| {
            let item = ObjectBuilder::new().examples([json!({ "id": section.name() })]);
            let schema: Schema = match section {
                Account => item.into(),
                _ => ArrayBuilder::new().items(item).into(),
            };
            whole.property(section.name(), schema).required(section.name())
        });
        whole.build().into()
    }
}
