//! Access tokens: ES256 JSON Web Tokens that live 15 minutes.

use std::time::Duration;

use aws::FromSecret;
use domain::{
    fault::Code,
    id::{MemberId, SessionId},
    member::Role,
    time::Time,
    who::Claims,
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    jwk::{Jwk, JwkSet, KeyAlgorithm},
};
use serde::{Deserialize, Serialize};

use crate::{Problem, codes};

const ISSUER: &str = "spotlight-space";
const LIFE: Duration = Duration::from_secs(15 * 60);

/// What a token says, in the registered names.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    iss: String,
    sub: MemberId,
    sid: SessionId,
    role: Role,
    iat: i64,
    exp: i64,
}

/// The keys that tokens are verified with. They are public and come as plain configuration.
#[derive(Debug, Clone)]
pub struct PublicKeys(JwkSet);

impl PublicKeys {
    /// Reads a JSON Web Key Set.
    ///
    /// # Errors
    /// When it is not one, or holds a key of another algorithm than ES256.
    pub fn parse(jwks: &str) -> Result<Self, KeyError> {
        let keys: JwkSet = serde_json::from_str(jwks).map_err(|_| KeyError::NotAKeySet)?;
        let right = |key: &Jwk| key.common.key_algorithm == Some(KeyAlgorithm::ES256);
        if keys.keys.is_empty() || !keys.keys.iter().all(right) {
            return Err(KeyError::NotES256);
        }
        Ok(Self(keys))
    }

    /// Verifies a token and says whose it is. Whether its session still lives, the store knows.
    pub(crate) fn verify(&self, token: &str, now: Time) -> Result<Claims, Problem> {
        self.claims(token, now).ok_or_else(|| Problem::new(codes::TOKEN_INVALID))
    }

    fn claims(&self, token: &str, now: Time) -> Option<Claims> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = DecodingKey::from_jwk(self.0.find(&kid)?).ok()?;
        // The one algorithm we sign with: a token never chooses how it is verified.
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_issuer(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Time is checked below, against the request's own clock.
        rules.validate_exp = false;
        let token: Token = jsonwebtoken::decode(token, &key, &rules).ok()?.claims;
        (now.millis() < token.exp * 1000).then_some(Claims {
            member_id: token.sub,
            session_id: token.sid,
            role: token.role,
        })
    }
}

/// The private keys as Secrets Manager holds them: only functions that sign may read these.
#[derive(Deserialize)]
pub struct SigningKeys {
    current: SigningKey,
}

impl FromSecret for SigningKeys {
    const VARIABLE: &'static str = "JWT_SECRET_ID";
}

#[derive(Deserialize)]
struct SigningKey {
    kid: String,
    /// PKCS #8, P-256.
    pem: String,
}

impl SigningKeys {
    /// A token for a session, from now for 15 minutes; with the second it ends.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn sign(&self, claims: &Claims, now: Time) -> Result<(String, Time), KeyError> {
        // A token knows whole seconds; what is told beside it must not promise more.
        let seconds = now.plus(LIFE).seconds();
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.current.kid.clone());
        let token = Token {
            iss: ISSUER.into(),
            sub: claims.member_id,
            sid: claims.session_id,
            role: claims.role,
            iat: now.millis() / 1000,
            exp: seconds,
        };
        let key = EncodingKey::from_ec_pem(self.current.pem.as_bytes())
            .map_err(|_| KeyError::Unusable)?;
        let token = jsonwebtoken::encode(&header, &token, &key).map_err(|_| KeyError::Unusable)?;
        Ok((token, Time::from_millis(seconds * 1000)))
    }
}

/// Keys that cannot serve. The texts name no key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a JSON Web Key Set.
    #[error("the public keys are not a JSON Web Key Set")]
    NotAKeySet,
    /// A key of another algorithm, or none.
    #[error("the public keys must be ES256 keys, and at least one")]
    NotES256,
    /// The private key cannot sign.
    #[error("the signing key cannot be used")]
    Unusable,
}

impl domain::fault::Fault for KeyError {
    fn code(&self) -> Code {
        domain::codes::INTERNAL
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    // A pair made for these tests alone.
    const PUBLIC: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "test-1", "x": "3E5RlUnT1YSqhciufh3GTC5C2E3pvEaKE5qHcRY2_jM", "y": "mT2bNcnm86vrdUYFZL48xIH6poRaR4DEDQFMjtFUrsk"}]}"#;
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
         MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgq6Fi4ecinTJ8fukD\n\
         WLaSdgni5HEj9gm5+rDT3UanksyhRANCAATcTlGVSdPVhKqFyK5+HcZMLkLYTem8\n\
         RooTmodxFjb+M5k9mzXJ5vOr63VGBWS+PMSB+qaEWkeAxA0BTI7RVK7J\n\
         -----END PRIVATE KEY-----\n";
    /// Of another pair.
    const ANOTHER: &str = "-----BEGIN PRIVATE KEY-----\n\
         MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOnt6USTp87HxgF4q\n\
         PqnQhSR81RjC6AL8Oa02PqVItyShRANCAAT1qzZXxKsI0huHbMVQieTPIh6r/ojL\n\
         AdwYqKQRtogYZNrbOnqvQWz9GHfCILPnuWm4ZseyJLAAoz+xIAwhg+e+\n\
         -----END PRIVATE KEY-----\n";

    fn public() -> PublicKeys {
        PublicKeys::parse(PUBLIC).unwrap()
    }

    fn signed(kid: &str, pem: &str, now: Time) -> (Claims, String) {
        let (claims, token, _) = signed_until(kid, pem, now);
        (claims, token)
    }

    fn signed_until(kid: &str, pem: &str, now: Time) -> (Claims, String, Time) {
        let claims = Claims {
            member_id: MemberId::generate(),
            session_id: SessionId::generate(),
            role: Role::Artist,
        };
        let keys = json!({ "current": { "kid": kid, "pem": pem } });
        let keys: SigningKeys = serde_json::from_value(keys).unwrap();
        let (token, ends) = keys.sign(&claims, now).unwrap();
        (claims, token, ends)
    }

    #[test]
    fn a_token_is_good_until_the_moment_that_is_told_beside_it_and_no_longer() {
        for millis in [0, 1, 999] {
            let now = Time::from_millis(1_800_000_000_000 + millis);
            let (_, token, ends) = signed_until("test-1", PRIVATE, now);
            assert!(public().verify(&token, ends.minus(Duration::from_millis(1))).is_ok());
            assert!(public().verify(&token, ends).is_err(), "told {ends:?} at {now:?}");
        }
    }

    #[test]
    fn a_token_says_whose_it_is_for_15_minutes() {
        let now = Time::from_millis(1_800_000_000_000);
        let (claims, token) = signed("test-1", PRIVATE, now);
        let minutes = |minutes: u64| now.plus(Duration::from_secs(minutes * 60));
        assert_eq!(public().verify(&token, minutes(14)).unwrap(), claims);
        assert_eq!(public().verify(&token, minutes(15)).unwrap_err().code(), "TOKEN_INVALID");
    }

    #[test]
    fn a_key_that_is_not_published_signs_nothing() {
        let (_, token) = signed("other", PRIVATE, Time::now());
        assert!(public().verify(&token, Time::now()).is_err());
    }

    #[test]
    fn another_key_signs_nothing_under_a_published_name() {
        let (_, token) = signed("test-1", ANOTHER, Time::now());
        assert_eq!(public().verify(&token, Time::now()).unwrap_err().code(), "TOKEN_INVALID");
    }

    #[test]
    fn a_token_does_not_choose_how_it_is_verified() {
        let (_, token) = signed("test-1", PRIVATE, Time::now());
        let [_, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            panic!("three parts")
        };
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
        for algorithm in ["none", "HS256", "ES384"] {
            let header = BASE64.encode(json!({ "alg": algorithm, "kid": "test-1" }).to_string());
            for signature in [signature, ""] {
                let forged = format!("{header}.{claims}.{signature}");
                assert!(public().verify(&forged, Time::now()).is_err(), "{algorithm}");
            }
        }
    }

    #[test]
    fn a_changed_token_is_refused() {
        let now = Time::now();
        let (_, token) = signed("test-1", PRIVATE, now);
        proptest!(|(at: prop::sample::Index, by in "[A-Za-z0-9_-]")| {
            let at = at.index(token.len());
            let changed = format!("{}{by}{}", &token[..at], &token[at + 1..]);
            prop_assume!(changed != token);
            prop_assert!(public().verify(&changed, now).is_err());
        });
    }

    #[test]
    fn only_es256_keys_are_taken() {
        for bad in [
            "",
            "{}",
            r#"{"keys":[]}"#,
            &PUBLIC.replace("ES256", "ES384"),
            &PUBLIC.replace(r#""alg": "ES256","#, ""),
        ] {
            assert!(PublicKeys::parse(bad).is_err(), "{bad}");
        }
    }
}
