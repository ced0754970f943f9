use crate::{Context, Problem, codes};

/// A request's `Idempotency-Key` and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key, 1–255 visible ASCII characters.
    pub key: String,
    /// The hash of method, path and body: the same key with another is refused.
    pub fingerprint: String,
}

impl Idempotency {
    const HEADER: &str = "Idempotency-Key";

    pub(crate) fn read(context: &Context) -> Result<Self, Problem> {
        let Some(value) = context.headers.get(Self::HEADER) else {
            return Err(context.bad_header(Self::HEADER, codes::IDEMPOTENCY_KEY_MISSING));
        };
        match value.to_str() {
            Ok(key) if (1..=255).contains(&key.len()) => {
                Ok(Self { key: key.to_owned(), fingerprint: context.fingerprint.clone() })
            }
            _ => Err(context.bad_header(Self::HEADER, codes::IDEMPOTENCY_KEY_INVALID)),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_key_has_1_to_255_visible_characters() {
        let mut context = Context::at(Time::now());
        assert!(Idempotency::read(&context).is_err());
        for (key, good) in
            [("", false), ("k", true), (&*"k".repeat(255), true), (&*"k".repeat(256), false)]
        {
            context.headers.insert(Idempotency::HEADER, HeaderValue::from_str(key).unwrap());
            assert_eq!(Idempotency::read(&context).is_ok(), good, "{} characters", key.len());
        }
    }
}
