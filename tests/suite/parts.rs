//! What only a person knows of each route, in a file for each part.

use reqwest::RequestBuilder;
use serde_json::Value;

use crate::{document::Operation, refusals::Refused, world::World};

mod artists;
mod catalog;
mod coupons;
mod identity;
mod notifications;
mod operations;
mod payments;
mod points;
mod tickets;

/// What a machine can't make of a route's description.
#[derive(Default)]
pub struct Rows {
    /// A body that the route takes, where one of the document's examples is not: fields that depend on each other, a moment
    /// to come.
    pub body: Option<Value>,
    /// Bad requests, each with its refusal.
    pub refused: Vec<Refused>,
}

impl Rows {
    fn takes(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    fn refuses(mut self, request: RequestBuilder, status: u16, code: &str) -> Self {
        self.refused.push(Refused::new(code, request).is(status, code));
        self
    }

    fn finds(
        mut self,
        request: RequestBuilder,
        place: &'static str,
        name: &str,
        code: &'static str,
    ) -> Self {
        self.refused.push(Refused::new(name, request).has(place, name, &[code]));
        self
    }
}

/// The rows of a route. One that its part's file does not name fails the test.
pub fn rows(world: &World, operation: &Operation) -> Rows {
    let Operation { part, name, .. } = operation;
    let rows = match &**part {
        "artists" => artists::rows(world, name),
        "catalog" => catalog::rows(world, name),
        "coupons" => coupons::rows(world, name),
        "identity" => identity::rows(world, name),
        "notifications" => notifications::rows(name),
        "operations" => operations::rows(name),
        "payments" => payments::rows(world, name),
        "points" => points::rows(name),
        "tickets" => tickets::rows(world, name),
        new => panic!("{new} has no file in tests/suite/parts"),
    };
    rows.unwrap_or_else(|| panic!("{name} is not in tests/suite/parts/{part}.rs"))
}
