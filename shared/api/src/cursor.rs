use aws::{Connect, ConnectError, FromSecret, Secret};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::Sha256;
use utoipa::ToSchema;

use crate::{Answer, List, Paging, Problem, codes};

/// The keys that page cursors are authenticated with, as Secrets Manager holds them.
#[derive(Deserialize)]
pub struct CursorKeys {
    current: CursorKey,
    /// Cursors of before the last rotation stay good.
    previous: Option<CursorKey>,
}

#[derive(Deserialize)]
struct CursorKey {
    /// 32 bytes in base64url.
    key: String,
}

impl FromSecret for CursorKeys {
    const VARIABLE: &'static str = "CURSOR_SECRET_ID";
}

/// Turns positions in lists into the cursors that callers see, and back. The keys are loaded when the first is needed.
#[derive(Clone)]
pub struct Cursors(Secret<CursorKeys>);

impl Connect for Cursors {
    async fn connect() -> Result<Self, ConnectError> {
        Secret::connect().await.map(Self)
    }
}

impl Cursors {
    /// With the keys that a secret holds.
    pub fn new(keys: Secret<CursorKeys>) -> Self {
        Self(keys)
    }

    /// The position that a caller's cursor carries in the list that `scope` names (route, filters, sort, owner).
    ///
    /// # Errors
    /// `CURSOR_INVALID` (400) when it was changed, or belongs to another list.
    pub async fn open<P: DeserializeOwned>(
        &self,
        scope: &str,
        cursor: Option<&str>,
    ) -> Result<Option<P>, Problem> {
        let Some(cursor) = cursor else { return Ok(None) };
        self.0.get().await?.open(scope, cursor).map(Some)
    }

    /// The cursor of the next page, if there is one.
    ///
    /// # Errors
    /// When there is no key.
    pub async fn seal(
        &self,
        scope: &str,
        next: Option<impl Serialize>,
    ) -> Result<Option<String>, Problem> {
        let Some(next) = next else { return Ok(None) };
        self.0.get().await?.seal(scope, &next).map(Some)
    }

    /// One page of a list: `query` reads at most so many items from a position on and answers the next position, `view` makes
    /// of an item what the caller sees.
    ///
    /// # Errors
    /// `CURSOR_INVALID`, and what `query` says.
    pub async fn list<T, V, P, Q, R, E>(
        &self,
        scope: &str,
        paging: Paging,
        query: impl FnOnce(u32, Option<P>) -> R,
        view: impl FnMut(T) -> V,
    ) -> Result<Answer<List<V>>, Problem>
    where
        V: ToSchema,
        P: Serialize + DeserializeOwned,
        Q: Into<(Vec<T>, Option<P>)>,
        R: Future<Output = Result<Q, E>>,
        Problem: From<E>,
    {
        let start = self.open(scope, paging.cursor.as_deref()).await?;
        let (items, next) = query(paging.limit().get(), start).await?.into();
        let next_cursor = self.seal(scope, next).await?;
        Ok(Answer::ok(List { items: items.into_iter().map(view).collect(), next_cursor }))
    }
}

impl CursorKeys {
    /// A cursor that carries a position in the list `scope` names (route, filters, sort, owner).
    ///
    /// # Errors
    /// `INTERNAL` when the key in the secret is not one.
    fn seal(&self, scope: &str, position: &impl Serialize) -> Result<String, Problem> {
        let internal = |_| Problem::new(domain::codes::INTERNAL);
        let position =
            serde_json::to_vec(position).map_err(|_| Problem::new(domain::codes::INTERNAL))?;
        let mut sealed =
            self.current.mac(scope, &position).map_err(internal)?.finalize().into_bytes().to_vec();
        sealed.extend(position);
        Ok(BASE64.encode(sealed))
    }

    /// The position that a cursor carries.
    ///
    /// # Errors
    /// `CURSOR_INVALID` (400) when it was changed, or belongs to another list.
    fn open<T: DeserializeOwned>(&self, scope: &str, cursor: &str) -> Result<T, Problem> {
        let invalid = || Problem::new(codes::CURSOR_INVALID);
        let sealed = BASE64.decode(cursor).map_err(|_| invalid())?;
        let (tag, position) = sealed.split_at_checked(32).ok_or_else(invalid)?;
        let mut keys = std::iter::once(&self.current).chain(&self.previous);
        let authentic =
            keys.any(|key| key.mac(scope, position).is_ok_and(|mac| mac.verify_slice(tag).is_ok()));
        if !authentic {
            return Err(invalid());
        }
        serde_json::from_slice(position).map_err(|_| invalid())
    }
}

impl CursorKey {
    fn mac(&self, scope: &str, position: &[u8]) -> Result<Hmac<Sha256>, base64::DecodeError> {
        let key = BASE64.decode(&self.key)?;
        // A key that was cut short by hand would be guessed.
        if key.len() < 32 {
            return Err(base64::DecodeError::InvalidLength(key.len()));
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)
            .map_err(|_| base64::DecodeError::InvalidPadding)?;
        // The scope's length comes first, so that no part of a scope passes for a position.
        mac.update(&(scope.len() as u64).to_be_bytes());
        mac.update(scope.as_bytes());
        mac.update(position);
        Ok(mac)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(current: u8, previous: Option<u8>) -> CursorKeys {
        let key = |byte| CursorKey { key: BASE64.encode([byte; 32]) };
        CursorKeys { current: key(current), previous: previous.map(key) }
    }

    proptest! {
        #[test]
        fn a_cursor_returns_what_was_sealed(scope in ".*", position: (u64, String)) {
            let cursor = keys(1, None).seal(&scope, &position).unwrap();
            prop_assert_eq!(keys(1, None).open::<(u64, String)>(&scope, &cursor).unwrap(), position);
        }

        #[test]
        fn any_changed_byte_is_refused(at: prop::sample::Index, by in 1u8..) {
            let cursor = keys(1, None).seal("events", &42).unwrap();
            let mut bytes = BASE64.decode(cursor).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            prop_assert!(keys(1, None).open::<u64>("events", &BASE64.encode(bytes)).is_err());
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".*") {
            prop_assert!(keys(1, None).open::<u64>("events", &text).is_err());
        }
    }

    #[test]
    fn a_short_key_seals_nothing() {
        let short =
            CursorKeys { current: CursorKey { key: BASE64.encode([1; 31]) }, previous: None };
        assert!(short.seal("events", &42).is_err());
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = keys(1, None).seal("events", &42).unwrap();
        assert!(keys(1, None).open::<u64>("payments", &cursor).is_err());
    }

    #[test]
    fn a_cursor_outlives_one_rotation_of_the_key() {
        let cursor = keys(1, None).seal("events", &42).unwrap();
        assert_eq!(keys(2, Some(1)).open::<u64>("events", &cursor).unwrap(), 42);
        assert!(keys(3, Some(2)).open::<u64>("events", &cursor).is_err());
    }
}
