use domain::{
    time::Time,
    who::{Claims, Who},
};
use headers::{Authorization, HeaderMap, HeaderMapExt, authorization::Bearer};

use crate::{Problem, PublicKeys, codes};

/// Who calls, by their bearer token, if there is one.
pub(crate) fn identify<W: Who>(
    headers: &HeaderMap,
    keys: Option<&PublicKeys>,
    now: Time,
) -> Result<W, Problem> {
    let Some(keys) = keys else { return Ok(W::identify(None)?) };
    let bearer: Option<Authorization<Bearer>> = headers.typed_get();
    if let Some(who) = bearer.and_then(|bearer| W::of_token(bearer.token())) {
        return Ok(who);
    }
    let claims = match claims(headers, keys, now) {
        Err(_) if W::FORGIVES_BAD_TOKEN => None,
        claims => claims?,
    };
    Ok(W::identify(claims)?)
}

/// The claims of the bearer token, if there is one.
fn claims(headers: &HeaderMap, keys: &PublicKeys, now: Time) -> Result<Option<Claims>, Problem> {
    let bearer: Option<Authorization<Bearer>> =
        headers.typed_try_get().map_err(|_| Problem::new(codes::TOKEN_INVALID))?;
    bearer.map(|bearer| keys.verify(bearer.token(), now)).transpose()
}
