use unicode_normalization::UnicodeNormalization;

use crate::invalid::Invalid;
use crate::schema;

const EXAMPLE: &str = "048215";
const DIGITS: usize = 6;

text!(
    /// The code of a mail: six digits.
    personal MailedCode,
    check,
    |doc| schema::text(doc, EXAMPLE).pattern(Some("^[0-9]{6}$"))
);

/// Read however it is typed or pasted: in full-width digits, in two groups.
fn check(given: &str) -> Result<String, Invalid> {
    // Nobody types more than this.
    let code: String = given.chars().take(20).nfkc().filter(|c| !matches!(c, ' ' | '-')).collect();
    let is_one = code.len() == DIGITS && code.bytes().all(|byte| byte.is_ascii_digit());
    if is_one { Ok(code) } else { Err(Invalid::Format { expected: EXAMPLE }) }
}

impl MailedCode {
    /// One of a million, from this number of at least 64 random bits.
    pub fn of(random: u64) -> Self {
        Self(format!("{:06}", random % 1_000_000))
    }
}

choice!(
    /// What a code that was mailed is good for, and nothing else.
    CodePurpose {
        /// Makes the account that was asked for at sign-up.
        SignUp = "SIGN_UP",
        /// Proves an address, for an account that has none.
        VerifyEmail = "VERIFY_EMAIL",
        /// Sets a new password without the old one.
        NewPassword = "NEW_PASSWORD",
        /// Lets somebody sign in through Kakao or Naver, too.
        LinkIdentity = "LINK_IDENTITY",
    }
);

choice!(
    /// What a code is asked for. Signing up mails its own.
    given AskedPurpose {
        /// Proves an address, for an account that has none.
        VerifyEmail = "VERIFY_EMAIL",
        /// Sets a new password without the old one.
        NewPassword = "NEW_PASSWORD",
        /// Lets somebody sign in through Kakao or Naver, too.
        LinkIdentity = "LINK_IDENTITY",
    }
);

impl From<AskedPurpose> for CodePurpose {
    fn from(purpose: AskedPurpose) -> Self {
        match purpose {
            AskedPurpose::VerifyEmail => Self::VerifyEmail,
            AskedPurpose::NewPassword => Self::NewPassword,
            AskedPurpose::LinkIdentity => Self::LinkIdentity,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for good in ["048215", " 048215", "048 215", "048-215", "０４８２１５"] {
            assert_eq!(good.parse::<MailedCode>().unwrap().as_str(), "048215", "{good}");
        }
        for wrong in ["", "48215", "0482150", "04821a", "٠٤٨٢١٥", &"0".repeat(60_000)] {
            assert_eq!(wrong.parse::<MailedCode>().unwrap_err().code(), "FORMAT", "{wrong:?}");
        }
    }

    #[test]
    fn every_code_is_drawn_and_reads_itself() {
        for (random, code) in [(0, "000000"), (999_999, "999999"), (1_000_007, "000007")] {
            assert_eq!(MailedCode::of(random).as_str(), code);
            assert_eq!(code.parse(), Ok(MailedCode::of(random)));
        }
    }

    #[test]
    fn what_can_be_asked_for_is_every_purpose_but_signing_up() {
        let asked: Vec<_> =
            AskedPurpose::ALL.iter().map(|it| CodePurpose::from(*it).as_str()).collect();
        assert_eq!(asked, AskedPurpose::NAMES);
        assert_eq!(asked, CodePurpose::NAMES[1..]);
    }
}
