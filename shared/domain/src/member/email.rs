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
