//! What things are called: a prefix that tells the kind, and a ULID. Sorted as text they are in order of creation, to the
//! millisecond. They show when they were made, so nothing secret is ever made of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::{invalid::Invalid, time::Time};

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
    /// The id of a code that was mailed: whoever asked for the code has it, and nobody else.
    CodeId, "cod_"
);
id!(
    /// The id of a mail.
    MailId, "mai_"
);
id!(
    /// The id of an identity that waits to be linked. It opens nothing by itself.
    LinkId, "lnk_"
);
id!(
    /// The id of an export: what a member is handed of their own.
    ExportId, "exp_"
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
    /// The id of a door key: what lets a volunteer check tickets in.
    DoorKeyId, "dok_"
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
id!(
    /// The id of a place in a waiting list.
    WaitingId, "wtg_"
);
id!(
    /// The id of an offer to somebody who waits: seats that are kept for them.
    OfferId, "ofr_"
);
id!(
    /// The id of a notification: something that a member is told.
    NotificationId, "ntf_"
);

/// The one of what happened at this time, however often it is made: `of_it` are bytes that only that has.
fn of(at: Time, of_it: [u8; 10]) -> Ulid {
    let of_it = of_it.iter().fold(0, |all, byte| (all << 8) | u128::from(*byte));
    Ulid::from_parts(at.millis().unsigned_abs(), of_it)
}

impl NotificationId {
    /// The one of what happened at this time, however often it is made: `of_it` are bytes that only that has.
    pub fn of(at: Time, of_it: [u8; 10]) -> Self {
        Self(of(at, of_it))
    }
}

impl MailId {
    /// The one about what happened at this time, as above.
    pub fn of(at: Time, of_it: [u8; 10]) -> Self {
        Self(of(at, of_it))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "evt_01KB4ZXJ3V8Q5W7N2M6T9RHCDE";

    #[test]
    fn an_id_has_one_spelling_only() {
        let id: EventId = TEXT.parse().unwrap();
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(format!("{id:?}"), TEXT);
        for wrong in [
            "",
            "evt_",
            "01KB4ZXJ3V8Q5W7N2M6T9RHCDE",
            "pay_01KB4ZXJ3V8Q5W7N2M6T9RHCDE",
            "EVT_01KB4ZXJ3V8Q5W7N2M6T9RHCDE",
            "evt_01kb4zxj3v8q5w7n2m6t9rhcde",
            "evt_01KB4ZXJ3V8Q5W7N2M6T9RHCD",
            "evt_01KB4ZXJ3V8Q5W7N2M6T9RHCDEE",
            "evt_O1KB4ZXJ3V8Q5W7N2M6T9RHCDE",
            "evt_81KB4ZXJ3V8Q5W7N2M6T9RHCDE",
            " evt_01KB4ZXJ3V8Q5W7N2M6T9RHCDE",
            "evt_01KB4ZXJ3V8Q5W7N2M6T9RHCDE\n",
        ] {
            let refused = EventId::try_from(wrong.to_owned()).unwrap_err();
            assert_eq!(refused.code(), "FORMAT", "{wrong:?}");
        }
    }

    #[test]
    fn the_example_of_the_schema_is_an_id() {
        assert!(MemberId::EXAMPLE.parse::<MemberId>().is_ok());
    }

    #[test]
    fn an_id_is_a_string_in_json() {
        let id = PaymentId::generate();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<PaymentId>(&json).unwrap(), id);
        assert!(serde_json::from_str::<TicketId>(&json).is_err());
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "evt_[0-9A-Za-z]{26}") {
            if let Ok(id) = text.parse::<EventId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn every_ulid_is_read_in_upper_case_alone(ulid: u128) {
            let id = EventId(Ulid(ulid));
            let text = id.to_string();
            prop_assert_eq!(text.parse(), Ok(id));
            let lower = text.to_lowercase();
            prop_assert!(lower == text || lower.parse::<EventId>().is_err());
        }

        #[test]
        fn text_order_is_order_of_creation(earlier in 0..1_u64 << 47, later in 1..1_u64 << 47, random: u128) {
            let first = EventId(Ulid::from_parts(earlier, random));
            let second = EventId(Ulid::from_parts(earlier + later, !random));
            prop_assert!(first.to_string() < second.to_string());
            prop_assert!(first < second);
        }
    }
}
