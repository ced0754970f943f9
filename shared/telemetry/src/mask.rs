//! Takes personal data and secrets out of texts that others wrote: error causes, panics, addresses.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex_lite::Regex;

/// A part of a text that must not be logged.
struct Pattern {
    /// The pattern can match only where one of these occurs, ignoring case. Looking for them first
    /// keeps the usual line, which has none, cheap.
    signs: &'static [&'static str],
    regex: Regex,
    replacement: &'static str,
}

impl Pattern {
    fn new(signs: &'static [&'static str], regex: &str, replacement: &'static str) -> Option<Self> {
        let regex = Regex::new(regex).ok()?;
        Some(Self { signs, regex, replacement })
    }
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    [
        Pattern::new(
            &["private key"],
            r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)",
            "[key]",
        ),
        Pattern::new(&["eyj"], r"\beyJ[\w-]+\.[\w-]+(\.[\w-]*)*", "[token]"),
        Pattern::new(
            &["bearer", "basic", "secret_key"],
            r"(?i)\b(bearer|basic|(?:dev_)?secret_key)\s+[^\s\x22',;]+",
            "$1 [token]",
        ),
        Pattern::new(&["/returns/"], r"(/returns/)[^/\s\x22?#]+", "$1[token]"),
        Pattern::new(
            &["token", "secret", "password", "authorization", "signature", "credential"],
            r#"(?i)([\w-]*(?:token|secret|password|authorization|signature|credential)[\w-]*\\?"?\s*[=:]\s*\\?"?)[^\s"\\&,;}\[]+"#,
            "$1[secret]",
        ),
        Pattern::new(&["akia", "asia"], r"\b(AKIA|ASIA)[A-Z0-9]{12,}", "[key]"),
        Pattern::new(
            &["@", "%40"],
            r#"(?i)[^\s"'\\<>(){}\[\],;:=/?&]+(@|%40)[^\s"'\\<>(){}\[\],;:=/?&]+\.[^\s"'\\<>(){}\[\],;:=/?&]+"#,
            "[email]",
        ),
        Pattern::new(
            &["01", "82"],
            r"(\+?\b82[- .]?(\(0\)|0)?1[016789]|\(?\b01[016789]\)?)[- .]?\d{3,4}[- .]?\d{4}\b",
            "[phone]",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// The text without e-mail addresses, Korean mobile numbers, tokens, keys and passwords. A placeholder
/// in brackets stands where each was. It knows shapes, not meanings: a name in a sentence stays, so
/// names must not be put into a log in the first place ([`crate::fields::ALLOWED`]).
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let mut masked = Cow::Borrowed(text);
    for pattern in PATTERNS.iter() {
        if pattern.signs.iter().any(|sign| contains(&masked, sign)) {
            let replaced = pattern.regex.replace_all(&masked, pattern.replacement);
            masked = Cow::Owned(replaced.into_owned());
        }
    }
    masked
}

fn contains(text: &str, sign: &str) -> bool {
    let found = |window: &[u8]| window.eq_ignore_ascii_case(sign.as_bytes());
    text.as_bytes().windows(sign.len()).any(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_a_valid_regex() {
        assert_eq!(PATTERNS.len(), 8);
    }

    #[test]
    fn personal_data_and_secrets_are_masked() {
        let cases = [
            ("no member fan.one+x@example.co.kr here", "no member [email] here"),
            ("GET /find?email=fan%40example.com&a=1", "GET /find?email=[email]&a=1"),
            ("수신자 팬@예시.한국, 실패", "수신자 [email], 실패"),
            ("sms to 010-1234-5678 refused", "sms to [phone] refused"),
            ("sms to 01012345678.", "sms to [phone]."),
            ("sms to +82 10 1234 5678", "sms to [phone]"),
            ("sms to +821012345678", "sms to [phone]"),
            ("Authorization: Bearer abc.def-ghi", "Authorization: [secret] [token]"),
            ("Authorization: SECRET_KEY PRDABC123", "Authorization: [secret] [token]"),
            ("jwt eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln bad", "jwt [token] bad"),
            ("GET /x?pg_token=4f3c9e&y=1", "GET /x?pg_token=[secret]&y=1"),
            (r#"{"pg_token":"4f3c9e","won":1000}"#, r#"{"pg_token":"[secret]","won":1000}"#),
            (
                r#"body "{\"password\":\"hunter2hunter2\"}""#,
                r#"body "{\"password\":\"[secret]\"}""#,
            ),
            (
                "GET /v1/payments/pay_01K5ZXVJ8DQ7Z3M1X2Y4W5V6T7/returns/s3cr3tv4lue/approve",
                "GET /v1/payments/pay_01K5ZXVJ8DQ7Z3M1X2Y4W5V6T7/returns/[token]/approve",
            ),
            ("refreshToken=abcdef", "refreshToken=[secret]"),
            ("key AKIAIOSFODNN7EXAMPLE leaked", "key [key] leaked"),
            ("-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----", "[key]"),
        ];
        for (text, masked) in cases {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn ids_amounts_and_plain_sentences_stay() {
        for text in [
            "pay_01K5ZXVJ8DQ7Z3M1X2Y4W5V6T7 evt_01012345678QZ3M1X2Y4W5V6T7",
            "1-5759e988-bd862e3fe1be46a994272793",
            "01012345-0101-2345-6789-010123456789",
            "ConditionalCheckFailed after 120 ms, 50000 won, 2026-11-23T10:37:30Z",
            "공연을 찾을 수 없습니다",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
