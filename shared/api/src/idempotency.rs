use utoipa::IntoParams;

use crate::{Context, Problem, codes};

/// A request's `Idempotency-Key` and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Idempotency {
    /// 1 to 255 visible ASCII characters, new for each thing that it makes. A retry sends it again.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    pub key: String,
    /// The hash of method, path and body: the same key with another is refused.
    #[param(ignore)]
    pub fingerprint: String,
}

impl Idempotency {
    const HEADER: &str = "Idempotency-Key";

    pub(crate) fn read(context: &Context) -> Result<Self, Problem> {
        let mut values = context.headers.get_all(Self::HEADER).iter();
        let Some(value) = values.next() else {
            return Err(context.bad_header(Self::HEADER, codes::IDEMPOTENCY_KEY_MISSING));
        };
        match (value.to_str(), values.next()) {
            (Ok(key), None)
                if (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) =>
            {
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
        let (longest, longer) = ("k".repeat(255), "k".repeat(256));
        for (key, good) in [
            ("", false),
            ("k", true),
            (&*longest, true),
            (&*longer, false),
            ("two words", false),
            ("a\ttab", false),
            ("~!", true),
        ] {
            context.headers.insert(Idempotency::HEADER, HeaderValue::from_str(key).unwrap());
            assert_eq!(Idempotency::read(&context).is_ok(), good, "{} characters", key.len());
        }
    }

    #[test]
    fn of_two_keys_none_is_the_request_s() {
        let mut context = Context::at(Time::now());
        for second in ["one", "other"] {
            context.headers.insert(Idempotency::HEADER, HeaderValue::from_static("one"));
            context.headers.append(Idempotency::HEADER, HeaderValue::from_static(second));
            let refused = Idempotency::read(&context).unwrap_err();
            assert_eq!(refused.code(), "IDEMPOTENCY_KEY_INVALID", "{second}");
        }
    }
}
