use std::fmt::Display;

/// Into which of so many partitions an id falls. The last character of an id is random: one of the 32 that a ULID is written with.
pub(crate) fn shard_of(id: impl Display, shards: u8) -> u8 {
    const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let last = id.to_string().pop().and_then(|last| ALPHABET.find(last));
    last.unwrap_or_default() as u8 % shards
}
