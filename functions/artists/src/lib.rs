//! Artists: their pages, and who follows them.

mod path;
#[cfg(test)]
mod testing;

pub mod follow_artist;
pub mod get_artist;
pub mod list_my_following;
pub mod unfollow_artist;

use store::codes::{ARTIST_NOT_FOUND, FOLLOWS_ONESELF, FOLLOWS_TOO_MANY};

api::routes! {
    get_artist [ARTIST_NOT_FOUND],
    follow_artist [ARTIST_NOT_FOUND, FOLLOWS_ONESELF, FOLLOWS_TOO_MANY],
    unfollow_artist [ARTIST_NOT_FOUND],
    list_my_following,
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &[];
