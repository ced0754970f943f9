use domain::fault::Code;
use utoipa::openapi::{HttpMethod, RefOr, Schema, path::Operation};

/// A route as its code describes it; the generator makes its part's `openapi.json` and `infra/api.yaml` of it.
pub struct Route {
    /// The name of the file, the binary, the operation and the function.
    pub name: &'static str,
    /// The method.
    pub method: HttpMethod,
    /// The path with its variables.
    pub path: String,
    /// The operation.
    pub operation: Operation,
    /// The schemas that the operation refers to, by name.
    pub schemas: Vec<(String, RefOr<Schema>)>,
    /// What it refuses besides what every route with such a caller and such parameters may refuse.
    pub refuses: &'static [Code],
}

impl Route {
    /// Describes one endpoint by what `#[utoipa::path]` made of its handler.
    pub fn of<P: utoipa::Path + utoipa::__dev::SchemaReferences>(
        name: &'static str,
        refuses: &'static [Code],
    ) -> Self {
        let mut operation = P::operation();
        operation.operation_id = Some(name.into());
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        let method = P::methods().into_iter().next().unwrap_or(HttpMethod::Get);
        Self { name, method, path: P::path(), operation, schemas, refuses }
    }
}

/// Names a part's endpoints, each a module of the crate with a `handle` under `#[utoipa::path]`, and in brackets the codes that are
/// its own: those that don't follow from its description. `answers::` compares them with what the deployed routes answer.
///
/// What serves one is compiled here, in the part's library, and not in each program anew.
#[macro_export]
macro_rules! routes {
    ($($name:ident $([$($code:expr),+ $(,)?])?),+ $(,)?) => {
        /// The part's routes, described.
        pub fn routes() -> Vec<$crate::Route> {
            vec![$($crate::Route::of::<$name::__path_handle>(stringify!($name), &[$($($code),+)?])),+]
        }

        /// The part's routes, ready to be served: each alone, so that a program has its own only.
        pub mod endpoint {$(
            /// The one of this name.
            pub fn $name() -> $crate::Endpoint {
                $crate::Endpoint::new(super::$name::handle)
            }
        )+}
    };
}
