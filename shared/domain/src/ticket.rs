//! Tickets: one seat for one person.

choice!(
    /// Whether a ticket lets somebody in.
    State as "TicketState" {
        /// It does.
        Valid = "VALID",
        /// It was given back.
        Refunded = "REFUNDED",
    }
);
