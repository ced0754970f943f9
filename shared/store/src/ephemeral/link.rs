//! Identities that wait to be linked: somebody came by a provider, and their address is a member's already.

use std::time::Duration;

use domain::{
    id::{LinkId, MemberId},
    member::{Provider, ProviderId},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Ttl, Write};

/// How long one waits.
const LIFE: Duration = Duration::from_mins(10);

key!(
    /// Where one stands.
    #[derive(Copy)]
    pub struct LinkKey(id: LinkId) => Link in Ephemeral, pk("LINK#{id}"), sk("LINK")
);

/// An identity, and the one member it may be linked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Who tells of it.
    pub provider: Provider,
    /// What they call it.
    pub provider_id: ProviderId,
    /// Whose address it came with. Nobody else links it: who does could let its owner in to an account that is not theirs.
    pub member_id: MemberId,
    /// Until when it waits.
    pub expires_at: Ttl,
}

impl Link {
    /// Lets an identity wait for a member.
    pub fn waiting(
        id: LinkId,
        provider: Provider,
        provider_id: ProviderId,
        member_id: MemberId,
        now: Time,
    ) -> Write {
        let link = Self { provider, provider_id, member_id, expires_at: Ttl::at(now.plus(LIFE)) };
        Write::create(&LinkKey(id), &link)
    }
}
