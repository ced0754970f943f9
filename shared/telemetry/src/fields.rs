//! The fields a log line may carry.

macro_rules! allow {
    ($($name:ident,)+) => {
        /// Names of the fields that leave the process. Add a name only if its value says nothing about
        /// a person by itself: our own ids are random, so they may. Other fields are left out, and
        /// their names are listed in the line as `dropped`, so that whoever misses one finds this list.
        pub const ALLOWED: &[&str] = &[$(stringify!($name)),+];

        /// Logs `value` in each allowed field, one line a field.
        #[cfg(test)]
        pub(crate) fn log_each(value: &str) {
            $(tracing::error!($name = value);)+
        }
    };
}

allow! {
    // which call this is
    request_id,
    trace_id,
    route,
    method,
    language,
    attempt,
    // how it went
    message,
    error,
    cause,
    location,
    kind,
    code,
    status,
    outcome,
    reason,
    state,
    step,
    // what it was about
    member_id,
    session_id,
    event_id,
    payment_id,
    ticket_id,
    transfer_id,
    coupon_id,
    claim_id,
    category,
    shard,
    version,
    key_id,
    operation,
    service,
    table,
    pk,
    sk,
    index,
    queue,
    bus,
    source,
    // how much
    duration_ms,
    count,
    record,
    records,
    failed,
    retries,
    quantity,
    amount,
    bytes,
    capacity,
    delay_ms,
}
