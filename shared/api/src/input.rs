//! From a request's raw parts to typed values, collecting every fault on the way.

use std::{convert::Infallible, ops::ControlFlow};

use deserr::{
    DeserializeError, Deserr, ErrorKind, IntoValue, MergeWithError, Value, ValueKind,
    ValuePointerRef,
};
use domain::{
    fault::{Code, Localized},
    invalid::Invalid,
};
use serde_json::Map;

use crate::{
    codes,
    problem::{FieldFault, Place},
};

/// No input at this place: unknown fields are refused here, too.
#[derive(Debug, Clone, Copy, Default, Deserr)]
#[deserr(deny_unknown_fields)]
pub struct Nothing {}

/// Whatever stands in the query string of a page for people, which is not read: others add to the addresses that they pass on.
#[derive(Debug, Clone, Copy, Deserr)]
pub struct Anything {}

/// Every fault that `deserr` meets in one part of a request. Write
/// `#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]` on an input type.
#[derive(Debug, Default)]
pub struct FieldFaults(Vec<(String, &'static str, Localized<String>)>);

impl FieldFaults {
    /// The faults at their place: body faults are named by pointer, the others by name.
    pub(crate) fn at(self, place: Place) -> Vec<FieldFault> {
        let fault = |(pointer, code, detail): (String, _, _)| FieldFault {
            name: match place {
                Place::Body => pointer,
                _ => pointer.trim_start_matches('/').to_owned(),
            },
            place,
            code,
            detail,
        };
        self.0.into_iter().map(fault).collect()
    }

    /// Notes one more.
    pub(crate) fn note(&mut self, location: ValuePointerRef, code: Code) {
        self.0.push((pointer(location), code.name, code.detail.map(str::to_owned)));
    }

    fn and(
        mut self,
        location: ValuePointerRef,
        code: &'static str,
        detail: Localized<String>,
    ) -> Self {
        self.0.push((pointer(location), code, detail));
        self
    }

    fn with(mut self, location: ValuePointerRef, code: Code) -> Self {
        self.note(location, code);
        self
    }
}

impl DeserializeError for FieldFaults {
    fn error<V: IntoValue>(
        faults: Option<Self>,
        error: ErrorKind<V>,
        location: ValuePointerRef,
    ) -> ControlFlow<Self, Self> {
        let faults = faults.unwrap_or_default();
        ControlFlow::Continue(match error {
            ErrorKind::MissingField { field } => {
                faults.with(location.push_key(field), codes::MISSING)
            }
            ErrorKind::UnknownKey { key, .. } => {
                faults.with(location.push_key(key), codes::UNKNOWN_FIELD)
            }
            ErrorKind::IncorrectValueKind { accepted, .. } => {
                let Localized { korean, english } = names(accepted);
                let detail = Localized {
                    korean: format!("{korean}이어야 합니다."),
                    english: format!("Must be {english}."),
                };
                faults.and(location, "TYPE", detail)
            }
            ErrorKind::UnknownValue { accepted, .. } => {
                let allowed = accepted.join(", ");
                let detail = Localized {
                    korean: format!("{allowed} 중 하나여야 합니다."),
                    english: format!("Must be one of {allowed}."),
                };
                faults.and(location, "CHOICE", detail)
            }
            ErrorKind::BadSequenceLen { .. } | ErrorKind::Unexpected { .. } => {
                faults.with(location, codes::INVALID)
            }
        })
    }
}

impl MergeWithError<Self> for FieldFaults {
    fn merge(faults: Option<Self>, other: Self, _: ValuePointerRef) -> ControlFlow<Self, Self> {
        let mut faults = faults.unwrap_or_default();
        faults.0.extend(other.0);
        ControlFlow::Continue(faults)
    }
}

impl MergeWithError<Invalid> for FieldFaults {
    fn merge(
        faults: Option<Self>,
        invalid: Invalid,
        location: ValuePointerRef,
    ) -> ControlFlow<Self, Self> {
        let faults = faults.unwrap_or_default();
        ControlFlow::Continue(faults.and(location, invalid.code(), invalid.detail()))
    }
}

impl MergeWithError<Infallible> for FieldFaults {
    fn merge(_: Option<Self>, never: Infallible, _: ValuePointerRef) -> ControlFlow<Self, Self> {
        match never {}
    }
}

/// A value in a query string, where everything is text: a number or a truth value is read as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<T>(pub T);

impl<T: Deserr<E>, E: DeserializeError> Deserr<E> for Param<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, E> {
        let Value::String(text) = value else {
            return T::deserialize_from_value(value, location).map(Param);
        };
        let value = match text.parse::<i64>() {
            Ok(number) => serde_json::Value::from(number),
            Err(_) => match text.as_str() {
                "true" => serde_json::Value::Bool(true),
                "false" => serde_json::Value::Bool(false),
                _ => serde_json::Value::String(text),
            },
        };
        T::deserialize_from_value(value.into_value(), location).map(Param)
    }
}

/// How many items a list answers: 1–100, 20 unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserr)]
#[deserr(try_from(i64) = Limit::try_from -> Invalid)]
pub struct Limit(u8);

impl Limit {
    /// As a number.
    pub fn get(self) -> u32 {
        self.0.into()
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<i64> for Limit {
    type Error = Invalid;

    fn try_from(limit: i64) -> Result<Self, Invalid> {
        match u8::try_from(limit) {
            Ok(limit @ 1..=100) => Ok(Self(limit)),
            _ => Err(Invalid::Range { min: 1, max: 100 }),
        }
    }
}

/// Parses one part of a request, of which some faults may be known already.
pub(crate) fn parse<T: Deserr<FieldFaults>>(
    value: serde_json::Value,
    place: Place,
    mut known: FieldFaults,
) -> Result<T, Vec<FieldFault>> {
    match deserr::deserialize::<T, _, FieldFaults>(value) {
        Ok(parsed) if known.0.is_empty() => Ok(parsed),
        parsed => {
            known.0.extend(parsed.err().unwrap_or_default().0);
            Err(known.at(place))
        }
    }
}

/// Names and texts as the JSON object that `deserr` reads. A name given twice, and text that was broken on its way, are refused
/// by type wherever they are read; a name without a value, as a form sends what was left empty, is not given.
pub(crate) fn object<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> serde_json::Value {
    let mut map = Map::new();
    for (name, text) in pairs.filter(|(_, text)| !text.is_empty()) {
        let value = match map.remove(name) {
            None if !is_broken(text) => serde_json::Value::from(text),
            _ => serde_json::Value::Array(Vec::new()),
        };
        map.insert(name.to_owned(), value);
    }
    map.into()
}

/// Whether something that could not be read stood in the place of a letter.
pub(crate) fn is_broken(text: &str) -> bool {
    text.contains(char::REPLACEMENT_CHARACTER)
}

/// Each fault tells its place, and names in a body are as long as their sender likes.
const LONGEST_PLACE: usize = 256;

/// RFC 6901; where that would be too long, of the nearest place around.
fn pointer(location: ValuePointerRef) -> String {
    match location {
        ValuePointerRef::Key { prev, .. } | ValuePointerRef::Index { prev, .. }
            if length(location) > LONGEST_PLACE =>
        {
            pointer(*prev)
        }
        ValuePointerRef::Origin => String::new(),
        ValuePointerRef::Key { key, prev } => {
            format!("{}/{}", pointer(*prev), key.replace('~', "~0").replace('/', "~1"))
        }
        ValuePointerRef::Index { index, prev } => format!("{}/{index}", pointer(*prev)),
    }
}

/// About how long a place's pointer is.
fn length(location: ValuePointerRef) -> usize {
    match location {
        ValuePointerRef::Origin => 0,
        ValuePointerRef::Key { key, prev } => 1 + key.len() + length(*prev),
        ValuePointerRef::Index { prev, .. } => 2 + length(*prev),
    }
}

/// JSON's names of the accepted kinds, in Korean and English.
fn names(accepted: &[ValueKind]) -> Localized<String> {
    let mut names: Vec<_> = accepted
        .iter()
        .map(|kind| match kind {
            ValueKind::Null => ("null", "null"),
            ValueKind::Boolean => ("참/거짓", "a boolean"),
            ValueKind::Integer | ValueKind::NegativeInteger => ("정수", "an integer"),
            ValueKind::Float => ("수", "a number"),
            ValueKind::String => ("문자열", "a string"),
            ValueKind::Sequence => ("배열", "an array"),
            ValueKind::Map => ("객체", "an object"),
        })
        .collect();
    names.dedup();
    let (korean, english): (Vec<_>, Vec<_>) = names.into_iter().unzip();
    Localized { korean: korean.join(" 또는 "), english: english.join(" or ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserr)]
    #[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
    #[expect(dead_code, reason = "only its faults are read")]
    struct Show {
        seats: Limit,
        first_name: String,
        #[deserr(default)]
        dates: Vec<i64>,
        #[deserr(default)]
        free: Option<Param<bool>>,
    }

    fn faults(value: serde_json::Value) -> Vec<(String, &'static str)> {
        let faults =
            parse::<Show>(value, Place::Body, FieldFaults::default()).expect_err("must be refused");
        let mut told: Vec<_> = faults.into_iter().map(|fault| (fault.name, fault.code)).collect();
        told.sort();
        told
    }

    #[test]
    fn every_fault_of_a_body_is_told_at_once_with_its_pointer() {
        assert_eq!(
            faults(json!({ "seats": 101, "dates": [1, "x"], "a/b": 1, "free": "perhaps" })),
            [
                ("/a~1b".into(), "UNKNOWN_FIELD"),
                ("/dates/1".into(), "TYPE"),
                ("/firstName".into(), "MISSING"),
                ("/free".into(), "TYPE"),
                ("/seats".into(), "RANGE"),
            ]
        );
    }

    #[test]
    fn a_name_that_is_long_is_not_told_again_with_each_fault() {
        let long = "~".repeat(60_000);
        let told =
            faults(json!({ &long: 1, "seats": 1, "firstName": "a", "dates": [{ &long: 1 }] }));
        assert_eq!(told, [(String::new(), "UNKNOWN_FIELD"), ("/dates/0".into(), "TYPE")]);
    }

    #[test]
    fn a_body_that_is_not_an_object_has_one_fault_at_the_root() {
        assert_eq!(faults(json!([])), [(String::new(), "TYPE")]);
    }

    #[test]
    fn a_number_too_large_for_its_type_is_a_fault_and_not_a_wrap() {
        let body = json!({ "seats": u64::MAX, "firstName": "a" });
        assert_eq!(faults(body), [("/seats".into(), "INVALID")]);
    }

    #[test]
    fn a_query_parameter_given_twice_is_refused() {
        let query = object([("firstName", "a"), ("firstName", "b"), ("seats", "3")].into_iter());
        let faults = parse::<Show>(query, Place::Query, FieldFaults::default())
            .expect_err("must be refused");
        assert!(faults.iter().any(|fault| fault.name == "firstName" && fault.code == "TYPE"));
    }

    #[test]
    fn a_query_parameter_left_empty_is_not_given() {
        let query = [("seats", ""), ("firstName", ""), ("firstName", "a"), ("free", "")];
        let faults = parse::<Show>(object(query.into_iter()), Place::Query, FieldFaults::default())
            .unwrap_err();
        let told: Vec<_> = faults.iter().map(|fault| (&*fault.name, fault.code)).collect();
        assert_eq!(told, [("seats", "MISSING")]);
    }
}
