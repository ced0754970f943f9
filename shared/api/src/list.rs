use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{FieldFaults, Limit, Param};

/// Which page of a list is wanted.
#[derive(Debug, Default, Deserr, IntoParams)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many items at most.
    #[deserr(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<Param<Limit>>,
    /// `nextCursor` of the page before; none for the first page.
    #[deserr(default)]
    pub cursor: Option<String>,
}

impl Paging {
    /// How many items at most.
    pub fn limit(&self) -> Limit {
        self.limit.map_or_else(Limit::default, |limit| limit.0)
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct List<T: ToSchema> {
    /// The items; none is an empty list.
    pub items: Vec<T>,
    /// Where the next page starts; absent after the last.
    #[schema(example = "AQc0w9rT8Lk2n5Pz")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
