//! The HTTP conventions that every route shares: how a handler is run, what it is given, what it
//! answers and how it refuses. No I/O happens here; what a handler reads and writes comes from the
//! clients it asks for.
//!
//! An endpoint is a free function `handle(clients, Call<Who, Body, Path, Query>)` and one line,
//! [`Endpoint::new`]. `CONTRIBUTING.md` shows the whole way from the file to the deployed function.

mod answer;
mod call;
mod cursor;
mod endpoint;
mod idempotency;
mod input;
mod list;
mod problem;
mod route;
mod token;
mod who;
mod words;
mod worker;

pub use answer::{Answer, Page, Response};
pub use call::{Call, Context, Language};
pub use cursor::CursorKeys;
pub use endpoint::{Endpoint, serve};
pub use idempotency::Idempotency;
pub use input::{FieldFaults, Limit, Nothing, Param};
pub use list::{List, Paging};
pub use problem::{FieldFault, Place, Problem, ProblemDocument};
pub use route::Route;
pub use token::{PublicKeys, SigningKeys};
pub use who::{Anyone, Artist, Claims, MaybeSignedIn, SignedIn, Who};
pub use worker::{Batch, Worker, work};

/// The largest request body, in bytes. The gateway's firewall refuses larger ones first.
pub const MAX_BODY: usize = 64 * 1024;
