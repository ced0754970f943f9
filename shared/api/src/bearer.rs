use domain::{time::Time, who::Claims};
use headers::{Authorization, HeaderMap, HeaderMapExt, authorization::Bearer};

use crate::{Problem, PublicKeys, codes};

/// The claims of the bearer token, if there is one.
pub(crate) fn claims(
    headers: &HeaderMap,
    keys: &PublicKeys,
    now: Time,
) -> Result<Option<Claims>, Problem> {
    let bearer: Option<Authorization<Bearer>> =
        headers.typed_try_get().map_err(|_| Problem::new(codes::TOKEN_INVALID))?;
    bearer.map(|bearer| keys.verify(bearer.token(), now)).transpose()
}
