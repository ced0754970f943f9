use domain::{
    id::MemberId,
    member::{BirthDate, Email, Location, Nickname, Phone, Provider, Role},
    time::Time,
};
use serde::Serialize;
use store::identity::member::Member;
use utoipa::ToSchema;

/// An account as its owner sees it. What was never given is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberView {
    /// The member's id.
    pub id: MemberId,
    /// Where mail reaches the member: verified. `null` for who has verified none yet.
    #[schema(required)]
    pub email: Option<Email>,
    /// The name the member is shown by.
    pub nickname: Nickname,
    /// What the member may do.
    pub role: Role,
    /// The day the member was born.
    #[schema(required)]
    pub birth_date: Option<BirthDate>,
    /// Whether the member declared to be 14 or older, which who gives no birth date does.
    pub fourteen_or_older: bool,
    /// The member's phone number.
    #[schema(required)]
    pub phone: Option<Phone>,
    /// The region the member lives in.
    #[schema(required)]
    pub location: Option<Location>,
    /// The providers that the member signs in with.
    pub identities: Vec<Provider>,
    /// When the member signed up.
    pub created_at: Time,
    /// When the account was changed last.
    pub updated_at: Time,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        let Member { id, email, nickname, role, birth_date, phone, location, .. } = member;
        let identities = member.identities.keys().filter_map(|name| name.parse().ok()).collect();
        let Member { declared_of_age_at, created_at, updated_at, .. } = member;
        Self {
            id,
            email,
            nickname,
            role,
            birth_date,
            fourteen_or_older: declared_of_age_at.is_some(),
            phone,
            location,
            identities,
            created_at,
            updated_at,
        }
    }
}
