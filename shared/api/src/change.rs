use deserr::{DeserializeError, Deserr, IntoValue, Value, ValuePointerRef};
use domain::invalid::Invalid;

/// A field of a `PATCH` (as RFC 7396 has it): not there, `null`, or another value. It needs `#[deserr(default)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Stays as it is.
    #[default]
    Keep,
    /// Is emptied.
    Clear,
    /// Becomes this.
    Set(T),
}

impl<T: Deserr<E>, E: DeserializeError> Deserr<E> for Change<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        at: ValuePointerRef,
    ) -> Result<Self, E> {
        match value {
            Value::Null => Ok(Self::Clear),
            value => T::deserialize_from_value(value, at).map(Self::Set),
        }
    }
}

impl<T> Change<T> {
    /// What there is afterwards of what there was.
    pub fn of(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(after) => Some(after),
        }
    }

    /// The same of what is never empty: `null` is one more rule that the field breaks.
    pub fn of_needed(
        self,
        before: T,
        field: &'static str,
        broken: &mut Vec<(&'static str, Invalid)>,
    ) -> T {
        match self {
            Self::Set(after) => after,
            Self::Keep => before,
            Self::Clear => {
                broken.push((field, Invalid::Missing));
                before
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::FieldFaults;

    #[derive(Debug, Deserr, PartialEq)]
    #[deserr(error = FieldFaults)]
    struct Patch {
        #[deserr(default)]
        number: Change<u8>,
    }

    #[test]
    fn what_is_never_empty_is_not_emptied() {
        let mut broken = Vec::new();
        assert_eq!(Change::Set(2).of_needed(1, "number", &mut broken), 2);
        assert_eq!(Change::Keep.of_needed(1, "number", &mut broken), 1);
        assert!(broken.is_empty());
        assert_eq!(Change::Clear.of_needed(1, "number", &mut broken), 1);
        assert_eq!(broken, [("number", Invalid::Missing)]);
    }

    #[test]
    fn what_is_absent_stays_and_null_empties() {
        let cases = [
            (json!({}), Some(1)),
            (json!({ "number": null }), None),
            (json!({ "number": 2 }), Some(2)),
        ];
        for (body, after) in cases {
            let patch: Patch = deserr::deserialize::<_, _, FieldFaults>(body.clone()).unwrap();
            assert_eq!(patch.number.of(Some(1)), after, "{body}");
        }
        assert!(deserr::deserialize::<Patch, _, FieldFaults>(json!({ "number": "x" })).is_err());
    }
}
