use crate::{schema, text};

text!(
    /// Words that somebody looks for, in any order: up to 100 characters as a person counts them, since no title has more.
    personal SearchWords,
    |typed: &str| text::lines(typed, 0, 100),
    |doc| schema::text(doc, "째즈 공연").max_length(Some(100))
);

choice!(
    /// The order of the events that are found.
    given Sort {
        /// The best match first.
        Relevance = "relevance",
        /// The latest published first.
        Newest = "newest",
        /// The cheapest first.
        PriceUp = "priceUp",
        /// The dearest first.
        PriceDown = "priceDown",
        /// The sale that ends next first; sales that are over are left out.
        ClosingSoon = "closingSoon",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invalid::Invalid;

    #[test]
    fn a_hundred_characters_are_looked_for_and_more_are_refused_not_cut() {
        let words: SearchWords = "가".repeat(100).parse().unwrap();
        assert_eq!(words.as_str().chars().count(), 100);
        let too_many = "가".repeat(101).parse::<SearchWords>();
        assert_eq!(too_many, Err(Invalid::Length { min: 0, max: 100 }));
    }

    #[test]
    fn what_was_typed_or_pasted_is_looked_for_as_it_would_be_written() {
        let words = |typed: &str| typed.parse::<SearchWords>().unwrap().as_str().to_owned();
        assert_eq!(words(" 붉은 달\u{200B} "), "붉은 달\u{200B}");
        assert_eq!(words("\u{1107}\u{1161}\u{11B7}"), "밤");
        assert_eq!(words(" "), "");
    }
}
