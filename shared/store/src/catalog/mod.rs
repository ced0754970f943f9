//! Events.

pub mod event;
pub mod on_sale;
