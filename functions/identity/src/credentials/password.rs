//! Argon2id with 19 MiB, two passes and one lane: the first choice of OWASP's Password Storage Cheat Sheet, and the
//! `argon2` crate's default. One hash takes some 40 ms of a function that serves one request at a time.

use api::Problem;
use argon2::{
    Argon2,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc},
};
use domain::{
    codes,
    fault::{Code, Fault},
    member::{Email, GivenPassword, Nickname, Password},
};
use store::identity::member::PasswordHash;

/// The hash of random bytes that nobody knows. An unknown account is checked against it, so that it takes as long as a
/// known one to say no.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$/ZzU+QkQl5/xbXuzOTbY4A$GFvfnWpjMZrZw+h2ft9CHHShpgqED7r4eUuMOB2O8P8";

/// A hash that can't be made or read: a defect of ours.
#[derive(Debug, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct HashFault(#[from] password_hash::Error);

impl Fault for HashFault {
    fn code(&self) -> Code {
        codes::INTERNAL
    }
}

/// Refuses a password that says what everybody can read of its owner, with a pointer to the field.
///
/// # Errors
/// `OWN_NAME`, of the field `password`.
pub fn require_not_own(
    password: &Password,
    email: Option<&Email>,
    nickname: &Nickname,
) -> Result<(), Problem> {
    let own = password.not_named_after(email, nickname);
    own.map_err(|own| Problem::broken_rules(vec![("password", own)]))
}

/// Hashes a new password with a fresh salt.
///
/// # Errors
/// When the system has no memory or no randomness to give.
pub fn hash(password: &Password) -> Result<PasswordHash, HashFault> {
    let hash: phc::PasswordHash = Argon2::default().hash_password(password.expose().as_bytes())?;
    Ok(PasswordHash::new(hash.to_string()))
}

/// Whether a password is the one that was hashed. Without a hash it is not, and that takes as long to find out.
///
/// # Errors
/// When the stored hash can't be read.
pub fn matches(given: &GivenPassword, hash: Option<&PasswordHash>) -> Result<bool, HashFault> {
    let known = hash.map_or(NOBODY, PasswordHash::as_str);
    let known = phc::PasswordHash::new(known).map_err(password_hash::Error::from)?;
    match Argon2::default().verify_password(given.expose().as_bytes(), &known) {
        Ok(()) => Ok(hash.is_some()),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// For how many nanoseconds a processor has worked for this thread, however many others there are.
    fn worked() -> u64 {
        let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        told.split(' ').next().unwrap().parse().unwrap()
    }

    fn given(text: &str) -> GivenPassword {
        text.parse().unwrap()
    }

    #[test]
    fn a_password_matches_its_own_hash_alone() {
        let password: Password = "보랏빛 무대 뒤의 고양이".parse().unwrap();
        let hashed = hash(&password).unwrap();
        assert!(matches(&given("보랏빛 무대 뒤의 고양이"), Some(&hashed)).unwrap());
        assert!(!matches(&given("보랏빛 무대 뒤의 강아지"), Some(&hashed)).unwrap());
        assert!(!hashed.as_str().contains("보랏빛"));
        assert_ne!(hash(&password).unwrap(), hashed, "the salt is fresh");
    }

    #[test]
    fn nobody_has_no_password_and_a_hash_that_costs_the_same() {
        assert!(!matches(&given("anything at all"), None).unwrap());
        let hashed = hash(&"보랏빛 무대 뒤의 고양이".parse().unwrap()).unwrap();
        let cost = "$argon2id$v=19$m=19456,t=2,p=1$";
        assert!(hashed.as_str().starts_with(cost) && NOBODY.starts_with(cost));
        assert_eq!(hashed.as_str().len(), NOBODY.len());
        let work = |hash: Option<&PasswordHash>| {
            let before = worked();
            assert!(!matches(&given("anything at all"), hash).unwrap());
            worked() - before
        };
        assert!(work(None) > work(Some(&hashed)) / 4, "nobody's is hashed, too");
    }
}
