//! Refresh tokens: opaque, in a cookie that only `/v1/auth` gets to see, good for one use.
//!
//! A token names its session and carries two random parts. All tokens of a session share the first, and only the one
//! that is good now has the second. So an old token is told from an unknown one without a list of all that were.
//!
//! A token's successor is made of the token and of a salt that only the session knows, so that who shows the token again in
//! time gets the same successor again, and a session has one chain of tokens however many ask at once. Neither the salt nor
//! an old token alone makes a successor.

use std::time::Duration;

use api::Problem;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use domain::{codes, time::Time};
use sha2::{Digest, Sha256};
use store::identity::session::{Rotation, SessionItem, SessionKey};
use subtle::ConstantTimeEq;

/// The cookie's name.
pub const COOKIE: &str = "refresh";

/// How long a token is good for, and so a session that nobody refreshes.
pub const LIFE: Duration = Duration::from_hours(14 * 24);

/// After this the member signs in again, however often the session was refreshed.
pub const LONGEST_SESSION: Duration = Duration::from_hours(90 * 24);

/// How long a token that was replaced still gets its successor.
pub const GRACE: Duration = Duration::from_mins(1);

pub(super) type Part = [u8; 32];

/// One token. It does not show itself: there is no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    key: SessionKey,
    family: Part,
    own: Part,
}

/// What a token is to the session it names.
#[derive(PartialEq, Eq)]
pub enum TokenState {
    /// The one that is good now.
    Current,
    /// The one before, replaced a moment ago by this one.
    Replaced(RefreshToken),
    /// One that was used before: it was stolen, or its successor was.
    Reused,
    /// Never one of this session's.
    Unknown,
}

impl RefreshToken {
    /// The first token of a session.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn first(key: SessionKey) -> Result<Self, Problem> {
        Ok(Self { key, family: random()?, own: random()? })
    }

    /// The token that takes this one's place, and what the session needs to make it again.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn rotate(&self, now: Time) -> Result<(Self, Rotation), Problem> {
        let salt = BASE64.encode(random()?);
        Ok((self.successor(&salt), Rotation { salt, at: now }))
    }

    fn successor(&self, salt: &str) -> Self {
        let own = Sha256::new().chain_update(self.own).chain_update(salt).finalize().into();
        Self { own, ..self.clone() }
    }

    /// Reads a cookie's value.
    pub fn read(text: &str) -> Option<Self> {
        let [member, session, random] = text.split('.').collect::<Vec<_>>()[..] else {
            return None;
        };
        let key = SessionKey { member_id: member.parse().ok()?, session_id: session.parse().ok()? };
        let random = BASE64.decode(random).ok()?;
        let (family, own) = random.split_at_checked(size_of::<Part>())?;
        Some(Self { key, family: family.try_into().ok()?, own: own.try_into().ok()? })
    }

    /// The first of a request's cookies that is one: others may lie before it, left by another page.
    pub fn among(cookies: &[String]) -> Option<Self> {
        cookies.iter().find_map(|cookie| Self::read(cookie))
    }

    /// The session it names.
    pub fn key(&self) -> SessionKey {
        self.key
    }

    /// The hash of the part that all tokens of the session share.
    pub fn family_hash(&self) -> String {
        BASE64.encode(Sha256::digest(self.family))
    }

    /// The hash of the part that is this token's own.
    pub fn own_hash(&self) -> String {
        BASE64.encode(Sha256::digest(self.own))
    }

    /// What it is to the session.
    pub fn state(&self, session: &SessionItem, now: Time) -> TokenState {
        let same =
            |ours: String, theirs: &str| bool::from(ours.as_bytes().ct_eq(theirs.as_bytes()));
        if !same(self.family_hash(), &session.family_hash) {
            return TokenState::Unknown;
        }
        if same(self.own_hash(), &session.refresh_hash) {
            return TokenState::Current;
        }
        let rotation = session.rotation.as_ref().filter(|rotation| now < rotation.at.plus(GRACE));
        rotation
            .map(|rotation| self.successor(&rotation.salt))
            .filter(|next| same(next.own_hash(), &session.refresh_hash))
            .map_or(TokenState::Reused, TokenState::Replaced)
    }

    /// The `Set-Cookie` that hands it over.
    pub fn cookie(&self, life: Duration) -> String {
        let SessionKey { member_id, session_id } = self.key;
        let random = BASE64.encode([self.family, self.own].concat());
        set_cookie(&format!("{member_id}.{session_id}.{random}"), life)
    }
}

/// The `Set-Cookie` that takes the token away.
pub fn expired_cookie() -> String {
    set_cookie("", Duration::ZERO)
}

fn set_cookie(value: &str, life: Duration) -> String {
    let seconds = life.as_secs();
    format!("{COOKIE}={value}; HttpOnly; Secure; SameSite=Strict; Path=/v1/auth; Max-Age={seconds}")
}

pub(super) fn random() -> Result<Part, Problem> {
    let mut part = Part::default();
    getrandom::fill(&mut part).map_err(|_| Problem::new(codes::INTERNAL))?;
    Ok(part)
}

#[cfg(test)]
mod tests {
    use domain::{
        device::Device,
        id::{MemberId, SessionId},
        time::Time,
    };
    use store::Ttl;

    use super::*;

    fn first() -> RefreshToken {
        let key = SessionKey { member_id: MemberId::generate(), session_id: SessionId::generate() };
        RefreshToken::first(key).unwrap()
    }

    fn session(token: &RefreshToken) -> SessionItem {
        SessionItem {
            id: token.key.session_id,
            member_id: token.key.member_id,
            family_hash: token.family_hash(),
            refresh_hash: token.own_hash(),
            rotation: None,
            begun_after: None,
            device: Device::default(),
            country: None,
            created_at: Time::now(),
            ended_at: None,
            expires_at: Ttl::at(Time::now()),
        }
    }

    #[test]
    fn what_is_handed_over_is_read_back() {
        let token = first();
        let cookie = token.cookie(LIFE);
        let (pair, attributes) = cookie.split_once(';').unwrap();
        assert!(RefreshToken::read(pair.strip_prefix("refresh=").unwrap()) == Some(token));
        assert_eq!(
            attributes,
            " HttpOnly; Secure; SameSite=Strict; Path=/v1/auth; Max-Age=1209600"
        );
    }

    #[test]
    fn what_is_no_token_is_not_read() {
        let cookie = first().cookie(LIFE);
        let good = cookie.strip_prefix("refresh=").unwrap().split(';').next().unwrap();
        assert!(RefreshToken::read(good).is_some());
        let lower = good.to_lowercase();
        for bad in
            ["", ".", "..", &good[1..], &good[..good.len() - 1], &format!("{good}.a"), &lower]
        {
            assert!(RefreshToken::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_hash_does_not_hold_what_it_is_of() {
        let token = first();
        for (hash, part) in [(token.family_hash(), token.family), (token.own_hash(), token.own)] {
            let hash = BASE64.decode(hash).unwrap();
            assert!(hash.len() == 32 && hash != part);
        }
    }

    #[test]
    fn an_old_token_is_told_from_an_unknown_one() {
        let now = Time::now();
        let old = first();
        let (good, _) = old.rotate(now).unwrap();
        let session = session(&good);
        assert!(good.state(&session, now) == TokenState::Current);
        assert!(old.state(&session, now) == TokenState::Reused);
        assert!(RefreshToken::first(old.key).unwrap().state(&session, now) == TokenState::Unknown);
    }

    #[test]
    fn for_a_minute_a_token_gets_its_one_successor_and_no_older_one_does() {
        let now = Time::now();
        let oldest = first();
        let (old, _) = oldest.rotate(now).unwrap();
        let (good, rotation) = old.rotate(now).unwrap();
        let session = SessionItem { rotation: Some(rotation), ..session(&good) };
        assert!(old.state(&session, now) == TokenState::Replaced(good));
        assert!(old.state(&session, now.plus(GRACE)) == TokenState::Reused);
        assert!(oldest.state(&session, now) == TokenState::Reused);
    }

    #[test]
    fn a_token_alone_does_not_tell_its_successor() {
        let (now, token) = (Time::now(), first());
        assert!(token.rotate(now).unwrap().0 != token.rotate(now).unwrap().0);
    }
}
