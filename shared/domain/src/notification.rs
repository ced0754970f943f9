//! What members are told.

choice!(
    /// What a notification tells.
    Kind as "NotificationKind" {
        /// An artist whom its reader follows has published an event.
        NewEvent = "NEW_EVENT",
    }
);
