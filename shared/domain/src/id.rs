//! What things are called: a prefix that tells the kind, and a ULID. Sorted as text they are in order of creation, to the
//! millisecond. They show when they were made, so nothing secret is ever made of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::invalid::Invalid;

macro_rules! id {
    ($(#[doc = $doc:literal])+ $name:ident, $prefix:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            const EXAMPLE: &str = concat!($prefix, "01KB4ZXJ3V8Q5W7N2M6T9RHCDE");

            /// A new one, of now.
            pub fn generate() -> Self {
                Self(Ulid::generate())
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                text.strip_prefix($prefix)
                    .and_then(|ulid| Ulid::from_string(ulid).ok())
                    .map(Self)
                    // Decoding also reads lower case and look-alikes. A second spelling would slip past keys.
                    .filter(|id| id.to_string() == text)
                    .ok_or(Invalid::Format { expected: Self::EXAMPLE })
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        has_schema!($name, crate::schema::text(concat!($($doc, "\n"),+), Self::EXAMPLE)
            .pattern(Some(concat!("^", $prefix, "[0-7][0-9A-HJKMNP-TV-Z]{25}$"))));
    };
}

id!(
    /// A member's id.
    MemberId, "mem_"
);
id!(
    /// The id of a session: one signing in, with all the refreshes after it.
    SessionId, "ses_"
);
id!(
    /// An event's id.
    EventId, "evt_"
);
id!(
    /// A payment's id. KakaoPay knows it as `partner_order_id`.
    PaymentId, "pay_"
);
id!(
    /// A ticket's id: one seat for one person.
    TicketId, "tkt_"
);
id!(
    /// The id of a transfer of points.
    TransferId, "trf_"
);
id!(
    /// A coupon's id: what an admin offers.
    CouponId, "cpn_"
);
id!(
    /// The id of a member's claim on a coupon: what the member spends.
    ClaimId, "clm_"
);
