//! What members are told.

choice!(
    /// What a notification tells.
    Kind as "NotificationKind" {
        /// An artist whom its reader follows has published an event.
        NewEvent = "NEW_EVENT",
        /// Tickets of an event of its reader were sold.
        TicketSold = "TICKET_SOLD",
        /// Its reader, an artist, was given something.
        Sponsored = "SPONSORED",
        /// Its reader has paid, and has their tickets.
        PaymentApproved = "PAYMENT_APPROVED",
        /// What its reader had paid is back.
        PaymentRefunded = "PAYMENT_REFUNDED",
        /// Seats that its reader waits for are kept for them for a while.
        WaitingListOffer = "WAITING_LIST_OFFER",
        /// An event that its reader has tickets of takes place elsewhere, or at another time.
        EventChanged = "EVENT_CHANGED",
        /// An event that its reader has tickets of does not take place.
        EventCancelled = "EVENT_CANCELLED",
    }
);
