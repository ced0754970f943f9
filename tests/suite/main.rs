//! The whole system, proven from outside. `make test` starts what it needs.

mod bad_input;
mod faults;
mod helpers;
mod journey;
mod kills;
mod policies;
mod races;
mod routes;
mod shop;
mod workers;
mod world;
