use crate::invalid::Invalid;
use crate::schema;

const MAX: usize = 254;
const MAX_LOCAL: usize = 64;
const MAX_LABEL: usize = 63;
const EXAMPLE: &str = "mina@example.com";

text!(
    /// An e-mail address, kept in lower case. Nobody else has the same.
    personal Email,
    check,
    |doc| schema::text(doc, EXAMPLE)
        .format(Some(utoipa::openapi::SchemaFormat::Custom("email".into())))
        .max_length(Some(MAX))
);

/// The addresses that people have, as HTML's `<input type="email">` takes them, with a dot in the domain. Quoted local parts
/// and bare addresses are legal in RFC 5321 and found only in attacks. Domains in Hangul come in punycode.
fn check(given: &str) -> Result<String, Invalid> {
    let address = given.trim().to_ascii_lowercase();
    if address.len() > MAX {
        return Err(Invalid::Length { min: 1, max: MAX });
    }
    match address.split_once('@') {
        Some((local, domain)) if is_local(local) && is_domain(domain) => Ok(address),
        _ => Err(Invalid::Format { expected: EXAMPLE }),
    }
}

fn is_local(local: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
    };
    local.len() <= MAX_LOCAL && local.split('.').all(is_atom)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.')
        && domain.split('.').all(is_label)
        && top.starts_with(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_kept_in_lower_case() {
        let email: Email = " Mina.Kim+Stage@Example.CO.KR ".parse().unwrap();
        assert_eq!(email.as_str(), "mina.kim+stage@example.co.kr");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "a".repeat(64));
        for wrong in [
            "",
            "mina",
            "@example.com",
            "mina@",
            "mina@example",
            "a@b@example.com",
            "mi na@example.com",
            ".mina@example.com",
            "mina.@example.com",
            "mi..na@example.com",
            "mina@-example.com",
            "mina@example-.com",
            "mina@.com",
            "mina@example.",
            "mina@127.0.0.1",
            "\"mina\"@example.com",
            "미나@example.com",
            "mina@소극장.한국",
            "mina@example.com\r\nBcc: a@b.co",
            &long_local,
            &long_label,
        ] {
            assert_eq!(wrong.parse::<Email>().unwrap_err().code(), "FORMAT", "{wrong:?}");
        }
    }

    #[test]
    fn an_address_has_at_most_254_characters() {
        let domain = vec!["a".repeat(60); 4].join(".");
        let longest = format!("{}@{domain}.com", "a".repeat(254 - domain.len() - 5));
        assert_eq!(longest.parse::<Email>().unwrap().as_str().len(), 254);
        assert_eq!(format!("a{longest}").parse::<Email>().unwrap_err().code(), "LENGTH");
    }

    proptest! {
        #[test]
        fn accepted_addresses_are_canonical(text in "[!-~]{1,12}@[A-Za-z0-9.-]{1,20}") {
            if let Ok(email) = text.parse::<Email>() {
                prop_assert_eq!(email.as_str().parse(), Ok(email));
            }
        }
    }
}
