//! What binds somebody's way to a provider and back to their browser: a cookie of its own, of which the `state` and the verifier
//! of PKCE are made. So nothing is stored when a way begins, and a `state` says nothing of the cookie that it is made of.
//!
//! The two are hashes of different words and the same 32 random bytes, for one provider: who sees the one, in an address, learns
//! nothing of the other.

use std::time::Duration;

use api::Problem;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use domain::{member::Provider, time::Time};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::refresh_token::{Part, random};

/// The cookie's name.
pub const COOKIE: &str = "handshake";

/// How long somebody may take to agree.
const LIFE: Duration = Duration::from_mins(10);

/// One way there and back. It does not show itself: there is no `Debug`.
pub struct Handshake {
    began: Time,
    secret: Part,
}

impl Handshake {
    /// A way that begins now.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn begin(now: Time) -> Result<Self, Problem> {
        let began = Time::from_millis(now.seconds().saturating_mul(1000));
        Ok(Self { began, secret: random()? })
    }

    /// The one of a request's cookies that this `state` is made of, unless too much time has passed.
    pub fn among(cookies: &[String], provider: Provider, state: &str, now: Time) -> Option<Self> {
        let mut ways = cookies.iter().filter_map(|cookie| Self::read(cookie));
        ways.find(|way| {
            let is_same = way.state(provider).as_bytes().ct_eq(state.as_bytes());
            bool::from(is_same) && way.began <= now && now < way.ends()
        })
    }

    fn read(cookie: &str) -> Option<Self> {
        let (began, secret) = cookie.split_once('.')?;
        let began: i64 = began.parse().ok()?;
        let secret = BASE64.decode(secret).ok()?.try_into().ok()?;
        Some(Self { began: Time::from_millis(began.saturating_mul(1000)), secret })
    }

    /// What the provider gives back to us.
    pub fn state(&self, provider: Provider) -> String {
        self.made_of_it("state", provider)
    }

    /// What proves to the provider that who brings a code is who asked for it.
    pub fn verifier(&self, provider: Provider) -> String {
        self.made_of_it("verifier", provider)
    }

    /// What the provider is told of the verifier beforehand (RFC 7636, `S256`).
    pub fn challenge(&self, provider: Provider) -> String {
        BASE64.encode(Sha256::digest(self.verifier(provider)))
    }

    fn made_of_it(&self, what: &str, provider: Provider) -> String {
        let said = format!("{what} {provider} {} ", self.began.seconds());
        BASE64.encode(Sha256::new().chain_update(said).chain_update(self.secret).finalize())
    }

    /// When it is too late to come back.
    pub fn ends(&self) -> Time {
        self.began.plus(LIFE)
    }

    /// The `Set-Cookie` that gives it to the browser. It comes back from the provider's page, which is another site's: `Lax`.
    pub fn cookie(&self) -> String {
        let (began, secret) = (self.began.seconds(), BASE64.encode(self.secret));
        let life = LIFE.as_secs();
        format!(
            "{COOKIE}={began}.{secret}; HttpOnly; Secure; SameSite=Lax; Path=/v1/auth; Max-Age={life}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(way: &Handshake) -> String {
        let cookie = way.cookie();
        cookie.split(';').next().unwrap().strip_prefix("handshake=").unwrap().to_owned()
    }

    fn finds(cookies: &[&str], provider: Provider, state: &str, now: Time) -> bool {
        let cookies: Vec<String> = cookies.iter().map(|cookie| (*cookie).to_owned()).collect();
        Handshake::among(&cookies, provider, state, now).is_some()
    }

    #[test]
    fn a_state_is_good_in_its_own_browser_for_its_provider_and_ten_minutes() {
        let now = Time::now();
        let (way, other) = (Handshake::begin(now).unwrap(), Handshake::begin(now).unwrap());
        let (own, foreign) = (value(&way), value(&other));
        let state = way.state(Provider::Kakao);
        assert!(finds(&[&own], Provider::Kakao, &state, now));
        assert!(finds(&["x", &foreign, &own], Provider::Kakao, &state, now), "behind others");
        assert!(!finds(&[], Provider::Kakao, &state, now));
        assert!(!finds(&[&foreign], Provider::Kakao, &state, now));
        assert!(!finds(&[&own], Provider::Naver, &state, now), "one provider's code at another");
        assert!(!finds(&[&own], Provider::Kakao, &way.verifier(Provider::Kakao), now));
        for changed in ["", &state[1..], &format!("{state}A"), &other.state(Provider::Kakao)] {
            assert!(!finds(&[&own], Provider::Kakao, changed, now), "{changed}");
        }
        let last = way.ends().minus(Duration::from_millis(1));
        assert!(finds(&[&own], Provider::Kakao, &state, last));
        assert!(!finds(&[&own], Provider::Kakao, &state, way.ends()));
        // A cookie with another time is another way.
        let later = own.replacen(&way.began.seconds().to_string(), "99999999999", 1);
        assert!(!finds(&[&later], Provider::Kakao, &state, way.ends()));
    }

    #[test]
    fn what_is_no_cookie_of_ours_is_none() {
        let secret = BASE64.encode([0; 32]);
        for cookie in
            ["", ".", "1.", "1.x", &secret, &format!("x.{secret}"), &format!("1.{secret}AA")]
        {
            assert!(Handshake::read(cookie).is_none(), "{cookie}");
        }
    }

    #[test]
    fn a_challenge_is_the_hash_of_a_verifier_as_rfc_7636_wants_it() {
        let way = Handshake::begin(Time::now()).unwrap();
        let verifier = way.verifier(Provider::Kakao);
        assert!((43..=128).contains(&verifier.len()));
        assert!(verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)));
        let hash = BASE64.decode(way.challenge(Provider::Kakao)).unwrap();
        assert_eq!(hash, Sha256::digest(verifier).to_vec());
    }

    #[test]
    fn its_cookie_is_kept_from_scripts_and_sent_to_these_routes_alone() {
        let cookie = Handshake::begin(Time::now()).unwrap().cookie();
        assert!(
            cookie.ends_with("; HttpOnly; Secure; SameSite=Lax; Path=/v1/auth; Max-Age=600"),
            "{cookie}"
        );
    }
}
