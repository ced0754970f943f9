//! Events.

pub mod change;
pub mod draft;
pub mod event;
pub mod of_artist;
pub mod on_sale;
