//! What lets somebody in: a ticket's id and its event's, signed. A JSON Web Signature in its compact form (RFC 7515) by Ed25519
//! (RFC 8037), so that any scanner's library verifies it without us, by the keys at `/.well-known/ticket-keys.json`. It names
//! nobody, and never ends by itself: whether the ticket still lets somebody in, only we know.

use aws::{Connect, ConnectError, FromSecret, Secret, variable};
use domain::{
    fault::{Code, Fault},
    id::{EventId, TicketId},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    jwk::{JwkSet, KeyAlgorithm},
};
use serde::{Deserialize, Serialize};

use crate::codes;

/// What a payload says. The names are short, for they stand in a QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// The ticket.
    #[serde(rename = "sub")]
    pub ticket_id: TicketId,
    /// What it is for.
    #[serde(rename = "evt")]
    pub event_id: EventId,
}

/// The private keys as Secrets Manager holds them: only the function that shows a ticket may read these.
#[derive(Deserialize)]
pub struct SigningKeys {
    current: SigningKey,
}

#[derive(Deserialize)]
struct SigningKey {
    kid: String,
    /// PKCS #8, Ed25519.
    pem: String,
}

impl FromSecret for SigningKeys {
    const VARIABLE: &'static str = "TICKET_SECRET_ID";
}

/// Signs payloads. The keys are loaded when the first is signed.
#[derive(Clone)]
pub struct Signer(Secret<SigningKeys>);

impl Connect for Signer {
    async fn connect() -> Result<Self, ConnectError> {
        Secret::connect().await.map(Self)
    }
}

impl Signer {
    /// With the keys of a secret.
    pub fn new(keys: Secret<SigningKeys>) -> Self {
        Self(keys)
    }

    /// A payload as it stands in a QR code.
    ///
    /// # Errors
    /// When the keys can't be had.
    pub async fn sign(&self, payload: &Payload) -> Result<String, api::Problem> {
        Ok(self.0.get().await?.sign(payload)?)
    }
}

impl SigningKeys {
    fn sign(&self, payload: &Payload) -> Result<String, KeyError> {
        let kid = Some(self.current.kid.clone());
        let header = Header { typ: None, kid, ..Header::new(Algorithm::EdDSA) };
        let key = EncodingKey::from_ed_pem(self.current.pem.as_bytes());
        let key = key.map_err(|_| KeyError::Unusable)?;
        jsonwebtoken::encode(&header, payload, &key).map_err(|_| KeyError::Unusable)
    }
}

/// The keys that payloads are verified with, those included that sign no more.
#[derive(Clone, Debug)]
pub struct PublicKeys(JwkSet);

impl Connect for PublicKeys {
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self::parse(&variable("TICKET_PUBLIC_KEYS")?)?)
    }
}

impl PublicKeys {
    /// Reads a JSON Web Key Set.
    ///
    /// # Errors
    /// When it is not one, or holds a key of another kind.
    pub fn parse(jwks: &str) -> Result<Self, KeyError> {
        let keys: JwkSet = serde_json::from_str(jwks).map_err(|_| KeyError::NotTicketKeys)?;
        let right = |alg: Option<KeyAlgorithm>| alg == Some(KeyAlgorithm::EdDSA);
        if keys.keys.is_empty() || !keys.keys.iter().all(|key| right(key.common.key_algorithm)) {
            return Err(KeyError::NotTicketKeys);
        }
        Ok(Self(keys))
    }

    /// What a payload says, if we signed it.
    ///
    /// # Errors
    /// [`Forged`].
    pub fn open(&self, payload: &str) -> Result<Payload, Forged> {
        self.verified(payload).ok_or(Forged)
    }

    fn verified(&self, payload: &str) -> Option<Payload> {
        let kid = jsonwebtoken::decode_header(payload).ok()?.kid?;
        let key = DecodingKey::from_jwk(self.0.find(&kid)?).ok()?;
        // The one algorithm that we sign with: a payload never chooses how it is verified.
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.required_spec_claims.clear();
        rules.validate_exp = false;
        Some(jsonwebtoken::decode(payload, &key, &rules).ok()?.claims)
    }
}

/// We did not sign it, or it was changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no ticket of ours")]
pub struct Forged;

impl Fault for Forged {
    fn code(&self) -> Code {
        codes::TICKET_FORGED
    }
}

/// Keys that cannot serve. The texts name no key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not what verifies tickets.
    #[error("the public keys must be a JSON Web Key Set of EdDSA keys, and at least one")]
    NotTicketKeys,
    /// The private key cannot sign.
    #[error("the signing key cannot be used")]
    Unusable,
}

impl Fault for KeyError {
    fn code(&self) -> Code {
        domain::codes::INTERNAL
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{FOREIGN, PRIVATE, PUBLIC, keys, public_keys};

    fn payload() -> Payload {
        Payload { ticket_id: TicketId::generate(), event_id: EventId::generate() }
    }

    fn signed(kid: &str, pem: &str, payload: &Payload) -> String {
        let keys: SigningKeys = serde_json::from_value(keys(kid, pem)).unwrap();
        keys.sign(payload).unwrap()
    }

    #[test]
    fn a_payload_says_which_ticket_of_which_event_and_fits_a_small_code() {
        let said = payload();
        let text = signed("ticket-1", PRIVATE, &said);
        assert_eq!(public_keys().open(&text), Ok(said));
        let (header, rest) = text.split_once('.').unwrap();
        let header: Value = serde_json::from_slice(&BASE64.decode(header).unwrap()).unwrap();
        assert_eq!(header, json!({ "alg": "EdDSA", "kid": "ticket-1" }));
        let (claims, _) = rest.split_once('.').unwrap();
        let claims: Value = serde_json::from_slice(&BASE64.decode(claims).unwrap()).unwrap();
        assert_eq!(claims, json!({ "sub": said.ticket_id, "evt": said.event_id }));
        assert!(text.len() <= 251, "{}: what a code of 61 modules a side takes", text.len());
    }

    #[test]
    fn a_key_that_is_not_published_or_not_ours_signs_nothing() {
        for forged in
            [signed("ticket-2", PRIVATE, &payload()), signed("ticket-1", FOREIGN, &payload())]
        {
            assert_eq!(public_keys().open(&forged), Err(Forged));
        }
    }

    #[test]
    fn a_payload_does_not_choose_how_it_is_verified() {
        let text = signed("ticket-1", PRIVATE, &payload());
        let [_, claims, signature] = text.split('.').collect::<Vec<_>>()[..] else {
            panic!("three parts")
        };
        for algorithm in ["none", "HS256", "ES256"] {
            let header = json!({ "alg": algorithm, "kid": "ticket-1" }).to_string();
            for signature in [signature, ""] {
                let forged = format!("{}.{claims}.{signature}", BASE64.encode(&header));
                assert_eq!(public_keys().open(&forged), Err(Forged), "{algorithm}");
            }
        }
    }

    #[test]
    fn a_changed_payload_is_refused_and_no_text_breaks_the_reader() {
        let text = signed("ticket-1", PRIVATE, &payload());
        proptest!(|(at: prop::sample::Index, by in "[A-Za-z0-9_-]", other in ".*")| {
            let at = at.index(text.len());
            let changed = format!("{}{by}{}", &text[..at], &text[at + 1..]);
            prop_assert!(public_keys().open(&other).is_err());
            prop_assume!(changed != text);
            prop_assert!(public_keys().open(&changed).is_err());
        });
    }

    #[test]
    fn only_keys_for_tickets_are_taken() {
        for bad in ["", "{}", r#"{"keys":[]}"#, stack::PUBLIC_KEYS] {
            assert_eq!(PublicKeys::parse(bad).unwrap_err(), KeyError::NotTicketKeys, "{bad}");
        }
        assert!(PublicKeys::parse(PUBLIC).is_ok());
    }
}
