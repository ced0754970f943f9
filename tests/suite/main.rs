//! The whole system, proven from outside. `make test` starts what it needs.

mod bad_input;
mod helpers;
mod policies;
mod routes;
mod world;
