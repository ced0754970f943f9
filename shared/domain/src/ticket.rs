//! Tickets: one seat for one person.

choice!(
    /// Whether a ticket lets somebody in.
    State as "TicketState" {
        /// It does.
        Valid = "VALID",
        /// It did, once.
        CheckedIn = "CHECKED_IN",
        /// It was given back.
        Refunded = "REFUNDED",
    }
);
