//! Who stands at the door of an event: its artist, or whoever holds one of its door keys.

use api::{Context, Problem};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use domain::{
    codes::{EVENT_NOT_FOUND, INTERNAL},
    id::{DoorKeyId, EventId},
    ticket::door_keys_end_at,
    who::{Claims, NotAllowed, Who},
};
use sha2::{Digest, Sha256};
use store::{
    Store,
    catalog::on_sale::{OnSale, OnSaleKey},
    identity::{
        door_key::{DoorKey, DoorKeyKey},
        session::{Session, SignedIn},
    },
};
use subtle::ConstantTimeEq;

use crate::codes;

/// A member, who may be the event's artist, or whoever has a door key. Neither was looked up yet.
pub enum Doorkeeper {
    /// A member.
    Member(SignedIn),
    /// A door key's holder.
    Holder(DoorToken),
}

impl Who for Doorkeeper {
    const READS_TOKEN: bool = true;

    fn identify(claims: Option<Claims>) -> Result<Self, NotAllowed> {
        SignedIn::identify(claims).map(Self::Member)
    }

    fn of_token(text: &str) -> Option<Self> {
        DoorToken::read(text).map(Self::Holder)
    }
}

/// What the holder of a door key shows: its id, and what only they know.
pub struct DoorToken {
    id: DoorKeyId,
    secret: String,
}

impl DoorToken {
    /// Of a new door key.
    ///
    /// # Errors
    /// When the system has no chance to give.
    pub fn generate() -> Result<Self, Problem> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|_| Problem::new(INTERNAL))?;
        Ok(Self { id: DoorKeyId::generate(), secret: BASE64.encode(secret) })
    }

    /// The id of its door key.
    pub fn id(&self) -> DoorKeyId {
        self.id
    }

    /// As its holder shows it.
    pub fn text(&self) -> String {
        format!("{}.{}", self.id, self.secret)
    }

    /// All that is kept of it. What is hashed is random, so that nobody finds it by trying.
    pub fn hash(&self) -> String {
        BASE64.encode(Sha256::digest(&self.secret))
    }

    fn read(text: &str) -> Option<Self> {
        let (id, secret) = text.split_once('.')?;
        Some(Self { id: id.parse().ok()?, secret: secret.to_owned() })
    }

    fn is_of(&self, key: &DoorKey) -> bool {
        bool::from(self.hash().as_bytes().ct_eq(key.hash.as_bytes()))
    }
}

/// An event, for its artist: for everybody else it does not exist.
///
/// # Errors
/// `EVENT_NOT_FOUND`.
pub fn own(event: Option<OnSale>, session: &Session) -> Result<OnSale, Problem> {
    let own = |event: &OnSale| event.artist_id == session.member.id && event.deleted_at.is_none();
    event.filter(own).ok_or_else(|| Problem::new(EVENT_NOT_FOUND))
}

/// The event, for who may let people in there.
///
/// # Errors
/// `SESSION_ENDED`; `DOOR_KEY_NOT_GOOD` for one that was revoked, is over or another event's; `EVENT_NOT_FOUND` for members whose
/// event it is not.
pub async fn event_at_the_door(
    store: &Store,
    who: Doorkeeper,
    event_id: EventId,
    context: &Context,
) -> Result<OnSale, Problem> {
    match who {
        Doorkeeper::Member(member) => {
            let event = OnSaleKey(event_id);
            let (session, event) = store.read_for(&member, event, context.now).await?;
            own(event, &session)
        }
        Doorkeeper::Holder(token) => {
            let keys = (DoorKeyKey { event_id, id: token.id }, OnSaleKey(event_id));
            let (key, event) = store.read(&keys).await?;
            let key = key.filter(|key| token.is_of(key));
            let not_good = || Problem::new(codes::DOOR_KEY_NOT_GOOD);
            let (_, event) = key.zip(event).ok_or_else(not_good)?;
            // Whenever the event is by now.
            if door_keys_end_at(&event.schedule) <= context.now {
                return Err(not_good());
            }
            let event = Some(event).filter(|event| event.deleted_at.is_none());
            event.ok_or_else(|| Problem::new(EVENT_NOT_FOUND))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_door_key_is_not_what_its_holder_shows() {
        let token = DoorToken::generate().unwrap();
        let read = DoorToken::read(&token.text()).unwrap();
        assert_eq!((read.id(), read.hash()), (token.id(), token.hash()));
        assert!(!token.text().contains(&token.hash()) && !token.hash().contains(&token.secret));
        assert_ne!(DoorToken::generate().unwrap().secret, token.secret);
        for bad in ["", ".", "dok_.x", "a.b.c", &token.secret] {
            assert!(DoorToken::read(bad).is_none(), "{bad}");
        }
    }
}
