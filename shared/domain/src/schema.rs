//! The OpenAPI schemas of our values, built from the same constants that check them.

use utoipa::openapi::schema::{ObjectBuilder, Type};

/// A string.
pub(crate) fn text(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description.trim()))
        .examples([example])
}

/// A whole number between two others, both allowed.
pub(crate) fn number(description: &str, min: i64, max: i64, example: i64) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some(description.trim()))
        .minimum(Some(min))
        .maximum(Some(max))
        .examples([example])
}

/// Gives a type the schema that an expression builds, under the type's own name.
macro_rules! has_schema {
    ($name:ident, $schema:expr) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $schema.build().into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}
