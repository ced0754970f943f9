use domain::{time::Time, who::Claims};
use http::{HeaderMap, header};

use crate::{Problem, PublicKeys, codes};

/// The claims of the bearer token, if there is one. A bad token is refused even where none is needed:
/// its sender believes to be signed in.
pub(crate) fn claims(
    headers: &HeaderMap,
    keys: &PublicKeys,
    now: Time,
) -> Result<Option<Claims>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let invalid = || Problem::new(codes::TOKEN_INVALID);
    let (scheme, token) =
        value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(invalid());
    }
    keys.verify(token.trim(), now).map(Some)
}
