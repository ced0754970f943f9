//! How a value is read from a request: as its plain form, then checked. The reader collects what is wrong with every field,
//! so an endpoint's input names our types and needs nothing else.

use deserr::{
    DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef, take_cf_content,
};

use crate::{
    coupon, event, id, invalid::Invalid, member, payment, queue, sponsorship, ticket, time, won,
};

macro_rules! read_as {
    ($plain:ty: $($name:ty),+ $(,)?) => {$(
        impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for $name {
            fn deserialize_from_value<V: IntoValue>(value: Value<V>, at: ValuePointerRef) -> Result<Self, E> {
                let plain: $plain = Deserr::<E>::deserialize_from_value(value, at)?;
                Self::try_from(plain).map_err(|invalid| take_cf_content(E::merge(None, invalid, at)))
            }
        }
    )+};
}

read_as!(String:
    coupon::CouponCode,
    event::Title, event::Place, event::Content, event::Category, event::RefundPolicy,
    event::Saved, event::SearchWords, event::Sort,
    id::ClaimId, id::CodeId, id::CouponId, id::DoorKeyId, id::EventId, id::LinkId, id::MemberId, id::OfferId, id::PaymentId, id::SessionId, id::TicketId, id::TransferId,
    member::AskedPurpose, member::Email, member::MailedCode, member::Nickname, member::GivenPassword, member::Password, member::Phone, member::Provider, member::BirthDate, member::SignUpRole, member::Location,
    payment::Purpose, sponsorship::Message, ticket::AttendeeWords, ticket::ScannerName, time::Day, time::Time,
);
read_as!(bool: member::Declared);
read_as!(i64: event::AskedPrice, event::Capacity, event::Price, event::Quantity, event::TermsVersion, payment::LumpSum, queue::Pace, won::Won);
