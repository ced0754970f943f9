use crate::invalid::Invalid;
use crate::schema;

const MAX: usize = 255;
const EXAMPLE: &str = "3054876241";

choice!(
    /// Who says who somebody is, so that they need no password here. Written as in a path.
    Provider {
        /// 카카오
        Kakao = "kakao",
        /// 네이버
        Naver = "naver",
    }
);

text!(
    /// What a provider calls somebody by: always the same, and nobody else's there. Never read as a number: Naver's are longer
    /// than any.
    personal ProviderId,
    visible,
    |doc| schema::text(doc, EXAMPLE).max_length(Some(MAX))
);

fn visible(given: &str) -> Result<String, Invalid> {
    let is_one = (1..=MAX).contains(&given.len()) && given.bytes().all(|b| b.is_ascii_graphic());
    if is_one { Ok(given.to_owned()) } else { Err(Invalid::Format { expected: EXAMPLE }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_s_id_is_kept_to_the_letter_however_long_it_is() {
        for id in ["1", "9223372036854775808", "q_W-e9", "007", &"9".repeat(255)] {
            assert_eq!(id.parse::<ProviderId>().unwrap().as_str(), id);
        }
        for wrong in ["", " ", "1 ", "1\n", "일", &"9".repeat(256)] {
            assert_eq!(wrong.parse::<ProviderId>().unwrap_err().code(), "FORMAT", "{wrong:?}");
        }
    }
}
