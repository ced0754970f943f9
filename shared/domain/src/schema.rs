//! The OpenAPI schemas of our values, built from the same constants that check them.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

/// A string.
pub(crate) fn text(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description.trim()))
        .examples([example])
}

/// A string in one of the formats that OpenAPI knows.
pub(crate) fn formatted(description: &str, example: &str, format: KnownFormat) -> ObjectBuilder {
    text(description, example).format(Some(SchemaFormat::KnownFormat(format)))
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

/// `true` and nothing else.
pub(crate) fn declared(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .description(Some(description))
        .enum_values(Some([true]))
}

/// One of several names, or in an answer what nobody sends: a value that only a newer program knows.
pub(crate) fn choice(
    description: &str,
    names: &[&'static str],
    unknown: &[&'static str],
) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description.trim()))
        .enum_values(Some(names.iter().chain(unknown).copied()))
}

/// Gives a type the schema that an expression builds, under the type's own name, or under another where two types have one.
macro_rules! has_schema {
    ($name:ident, $schema:expr) => {
        has_schema!($name as stringify!($name), $schema);
    };
    ($name:ident as $called:expr, $schema:expr) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $schema.build().into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $called.into()
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use utoipa::{PartialSchema, ToSchema};

    use crate::{event, id, member, time, won};

    fn schema<T: PartialSchema>() -> Value {
        serde_json::to_value(T::schema()).unwrap()
    }

    #[test]
    fn the_limits_in_the_document_are_those_that_are_checked() {
        assert_eq!(
            schema::<event::Quantity>(),
            json!({
                "type": "integer", "minimum": 1, "maximum": 4, "examples": [2],
                "description": "How many tickets are bought at once: 1 to 4.",
            })
        );
        assert_eq!(
            schema::<id::EventId>(),
            json!({
                "type": "string", "pattern": "^evt_[0-7][0-9A-HJKMNP-TV-Z]{25}$",
                "examples": ["evt_01KB4ZXJ3V8Q5W7N2M6T9RHCDE"], "description": "An event's id.",
            })
        );
        assert_eq!(schema::<member::Nickname>()["maxLength"], 20);
        assert_eq!(schema::<event::Content>()["maxLength"], 5_000);
        assert_eq!(schema::<event::SearchWords>()["maxLength"], 100);
        assert_eq!(schema::<won::Won>()["minimum"], 0);
        assert_eq!(<event::Title as ToSchema>::name(), "Title");
    }

    #[test]
    fn an_answer_may_hold_a_choice_that_is_newer_than_the_document_and_a_request_may_not() {
        let shown = schema::<event::State>();
        assert_eq!(shown["enum"], json!(["DRAFT", "OPEN", "CANCELLED", "UNKNOWN"]));
        assert!("UNKNOWN".parse::<event::State>().is_err());
        assert_eq!(schema::<member::SignUpRole>()["enum"], json!(["USER", "ARTIST"]));
    }

    /// Every text type, with the reader of its values.
    macro_rules! examples_are_accepted {
        ($($name:ty),+ $(,)?) => {$(
            for example in schema::<$name>()["examples"].as_array().unwrap() {
                let example = example.as_str().unwrap();
                assert!(example.parse::<$name>().is_ok(), "{} refuses {example}", stringify!($name));
            }
        )+};
    }

    #[test]
    fn the_examples_in_the_document_are_accepted() {
        examples_are_accepted!(
            event::Title,
            event::Place,
            event::Content,
            event::SearchWords,
            id::MemberId,
            id::PaymentId,
            member::BirthDate,
            member::Email,
            member::GivenPassword,
            member::Nickname,
            member::Password,
            member::Phone,
            time::Day,
            time::Time,
        );
    }

    #[test]
    fn moments_and_passwords_have_their_formats() {
        assert_eq!(schema::<time::Time>()["format"], "date-time");
        assert_eq!(schema::<time::Day>()["format"], "date");
        assert_eq!(schema::<member::BirthDate>()["format"], "date");
        assert_eq!(schema::<member::Password>()["format"], "password");
        assert_eq!(schema::<member::Email>()["format"], "email");
    }
}
