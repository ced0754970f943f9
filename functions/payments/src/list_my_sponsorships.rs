//! `GET /v1/me/sponsorships`: what an artist was given.

use api::{Answer, Call, Cursors, List, Paging, Problem, Query};
use domain::{
    id::PaymentId,
    member::Nickname,
    sponsorship::{Message, State},
    time::Time,
    won::Won,
};
use serde::Serialize;
use store::{Store, identity::session::Artist, sales::sponsorship::Sponsorship};
use utoipa::ToSchema;

/// What an artist was given.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SponsorshipView {
    /// The payment.
    payment_id: PaymentId,
    /// What whoever gave it is called now.
    nickname: Nickname,
    /// How much, in won.
    amount: Won,
    /// With which words.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
    /// A `RETURNED` one is no longer the artist's.
    state: State,
    /// When it was paid.
    given_at: Time,
}

impl From<(Sponsorship, Nickname)> for SponsorshipView {
    fn from((given, nickname): (Sponsorship, Nickname)) -> Self {
        let Sponsorship { payment_id, amount, message, state, given_at, .. } = given;
        Self { payment_id, nickname, amount, message, state, given_at }
    }
}

/// Lists what one was given
///
/// An artist's own, the newest first.
#[utoipa::path(get, path = "/v1/me/sponsorships", params(Paging),
    responses((status = 200, description = "A page of sponsorships", body = List<SponsorshipView>)),
    security(("bearer" = ["ARTIST"])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<Artist, Query<Paging>>,
) -> Result<Answer<List<SponsorshipView>>, Problem> {
    let Call { who, input: Query(paging), context } = call;
    let artist = store.session(&who, context.now).await?.member.id;
    let scope = format!("list_my_sponsorships {artist}");
    let query = |limit, start| store.sponsorships_of(artist, limit, start);
    cursors.list(&scope, paging, query, SponsorshipView::from).await
}
