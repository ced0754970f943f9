//! The whole system, proven from outside. `make test` starts what it needs.

mod helpers;
