use api::FieldFaults;
use deserr::Deserr;
use domain::id::MemberId;
use utoipa::IntoParams;

/// Which artist.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct ArtistPath {
    /// The artist's id.
    #[param(inline)]
    pub artist_id: MemberId,
}
