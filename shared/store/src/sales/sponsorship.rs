//! What artists were given, as they see it: made when it is paid, beside the payment.

use domain::{
    id::{MemberId, PaymentId},
    member::Nickname,
    sponsorship::{Message, State},
    time::Time,
    won::Won,
};
use serde::{Deserialize, Serialize};

use super::payment::{Gift, Payment};
use crate::{Compare, Index, Page, Query, Start, Store, StoreFault, Table, Write};

key!(
    /// Where a sponsorship stands, beside the artist's others: in the order in which they were begun.
    #[derive(Copy)]
    pub struct SponsorshipKey {
        /// Who was given it.
        artist_id: MemberId,
        /// The payment.
        payment_id: PaymentId,
    } => Sponsorship in Sales, pk("{}", partition(*artist_id)), sk("SPN#{payment_id}")
);

/// What an artist was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sponsorship {
    /// The payment.
    pub payment_id: PaymentId,
    /// Who gave it.
    pub member_id: MemberId,
    /// How much.
    pub amount: Won,
    /// With which words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// Whether it is the artist's.
    pub state: State,
    /// When it was paid.
    #[serde(with = "domain::time::millis")]
    pub given_at: Time,
}

impl Sponsorship {
    /// Puts what a payment gives: a piece for the transaction that approves it.
    pub fn create(payment: &Payment, gift: &Gift, now: Time) -> Write {
        let sponsorship = Self {
            payment_id: payment.id,
            member_id: payment.member_id,
            amount: payment.amounts.cash,
            message: gift.message.clone(),
            state: State::Given,
            given_at: now,
        };
        Write::create(&SponsorshipKey::of(payment, gift), &sponsorship)
    }
}

impl SponsorshipKey {
    /// What a payment gives.
    pub fn of(payment: &Payment, gift: &Gift) -> Self {
        Self { artist_id: gift.artist_id, payment_id: payment.id }
    }

    /// Gives it back, unless it was paid out: a piece for the transaction that refunds it.
    pub fn give_back(&self) -> Write {
        let write = Write::update(self).set("state", State::Returned);
        write.when("state", Compare::Equal, State::Given)
    }
}

/// What an artist was given, the newest first.
pub(crate) fn of_artist(artist_id: MemberId, limit: u32) -> Query {
    Query::new(Index::of(Table::Sales), partition(artist_id), limit).backwards()
}

fn partition(artist_id: MemberId) -> String {
    format!("MEM#{artist_id}#SPN")
}

impl Store {
    /// What an artist was given, the newest first, with what each giver is called now. All may be a second old.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sponsorships_of(
        &self,
        artist_id: MemberId,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<(Sponsorship, Nickname)>, StoreFault> {
        let query = of_artist(artist_id, limit).after(start);
        let Page { items, next } = self.query::<Sponsorship>(query).await?;
        let names = self.nicknames(items.iter().map(|it| it.member_id)).await?;
        // All who were asked for have one.
        let called = |it: Sponsorship| names.get(&it.member_id).cloned().map(|name| (it, name));
        Ok(Page { items: items.into_iter().filter_map(called).collect(), next })
    }
}
