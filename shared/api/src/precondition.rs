use headers::ETag;
use http::header;
use utoipa::IntoParams;

use crate::{Context, Problem, codes};

/// Which version of a thing its caller has seen, by `If-Match`: nobody changes what they have not read.
#[derive(Debug, Clone, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Precondition {
    /// The entity tag that the thing had when it was read; `*` for whichever it has now.
    #[param(
        rename = "If-Match", value_type = String, example = "\"1\"",
        pattern = r#"^([*]|(W/)?"[!#-+\--~]*")$"#
    )]
    seen: Vec<String>,
}

impl Precondition {
    const HEADER: &str = "If-Match";

    pub(crate) fn read(context: &Context) -> Result<Self, Problem> {
        if !context.headers.contains_key(Self::HEADER) {
            return Err(context.bad_header(Self::HEADER, codes::IF_MATCH_MISSING));
        }
        let given = context.list(header::IF_MATCH);
        let seen: Vec<String> = given.split(',').map(|tag| tag.trim().to_owned()).collect();
        if seen != ["*"] && seen.iter().any(|tag| tag.parse::<ETag>().is_err()) {
            return Err(context.bad_header(Self::HEADER, codes::IF_MATCH_INVALID));
        }
        Ok(Self { seen })
    }

    /// Checks that the version that there is now was seen. A tag may say after a dot what changes without a version, such as the
    /// seats that are left of an event.
    ///
    /// # Errors
    /// `CHANGED_SINCE` (412).
    pub fn require(&self, version: u64) -> Result<(), Problem> {
        let now = version.to_string();
        let is_now = |tag: &String| {
            let strong = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            tag == "*" || strong.is_some_and(|tag| tag.split('.').next() == Some(&now))
        };
        if self.seen.iter().any(is_now) {
            return Ok(());
        }
        Err(Problem::new(domain::codes::CHANGED_SINCE))
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Time;
    use http::HeaderValue;

    use super::*;

    fn holds(seen: Option<&'static str>, version: u64) -> Result<(), &'static str> {
        let mut context = Context::at(Time::now());
        if let Some(seen) = seen {
            context.headers.insert(Precondition::HEADER, HeaderValue::from_static(seen));
        }
        let precondition = Precondition::read(&context).map_err(|problem| problem.code())?;
        precondition.require(version).map_err(|problem| problem.code())
    }

    #[test]
    fn who_changes_a_thing_has_seen_it_as_it_is() {
        for good in ["\"3\"", "\"2\", \"3\"", "*", "\"3.48\"", "\"2.50\",\"3.0\""] {
            assert_eq!(holds(Some(good), 3), Ok(()), "{good}");
        }
        // A weak tag says that it looks alike, not that it is the same.
        for stale in ["\"2\"", "W/\"3\"", "\"\"", "\"30\"", "\"*\"", "\"2.3\"", "W/\"3.48\""] {
            assert_eq!(holds(Some(stale), 3), Err("CHANGED_SINCE"), "{stale}");
        }
        for bad in ["", "3", "\"3", "\"2\" \"3\""] {
            assert_eq!(holds(Some(bad), 3), Err("IF_MATCH_INVALID"), "{bad}");
        }
        assert_eq!(holds(None, 3), Err("IF_MATCH_MISSING"));
        let mut lines = Context::at(Time::now());
        for line in ["\"3\"", "4"] {
            lines.headers.append(Precondition::HEADER, HeaderValue::from_static(line));
        }
        assert_eq!(Precondition::read(&lines).unwrap_err().code(), "IF_MATCH_INVALID");
    }
}
