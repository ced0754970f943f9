//! Helpers for the whole-system suite (`suite/`) and the benchmarks (`benches/`): running a function's
//! binary without Lambda, standing between it and everything outside, and killing it there.

pub mod gateway;
pub mod kills;
pub mod outside;
pub mod runtime_api;
