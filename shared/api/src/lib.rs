//! The HTTP conventions that every route shares: how a handler is run, what it is given, what it
//! answers and how it refuses. What a handler reads and writes comes from the clients it asks for.
//!
//! An endpoint is a free function `handle(clients, Call<Who, Input>)` and one line, [`Endpoint::new`]. A worker is the same with
//! [`Worker`]. `CONTRIBUTING.md` shows the whole way from the file to the deployed function.

mod answer;
mod bearer;
mod call;
mod change;
mod cursor;
mod endpoint;
mod idempotency;
mod input;
mod json;
mod list;
mod precondition;
mod problem;
mod route;
mod table;
mod token;
mod worker;

pub mod codes;

pub use answer::{Answer, Page, Response};
pub use call::{Body, Call, Context, Input, Path, Query};
pub use change::Change;
pub use cursor::{CursorKeys, Cursors};
pub use domain::{language::Language, who::Anyone};
pub use endpoint::{Endpoint, GUARDS, serve};
pub use idempotency::Idempotency;
pub use input::{Anything, FieldFaults, Limit, Nothing, Param};
pub use list::{List, Paging};
pub use precondition::Precondition;
pub use problem::{FieldFault, Place, Problem, ProblemDocument};
pub use route::Route;
pub use table::{NoTable, Table};
pub use token::{PublicKeys, SigningKeys};
pub use worker::{Batch, Worker, give_up, pass_over, work};

/// The largest request body, in bytes: all that the firewall looks through. The gateway lets larger ones come to be refused here.
pub const MAX_BODY: usize = 64 * 1024;
