//! Sponsorships: an artist is given something, for no ticket.

use crate::text;

text!(
    /// What somebody says to an artist whom they give something: 1 to 200 characters as a person counts them.
    words Message, text::lines, 1..=200, example "다음 공연도 기다릴게요!"
);

choice!(
    /// How a sponsorship stands.
    State as "SponsorshipState" {
        /// It was given, and can go back.
        Given = "GIVEN",
        /// It was paid out to the artist, and stays.
        Settled = "SETTLED",
        /// It went back.
        Returned = "RETURNED",
    }
);
