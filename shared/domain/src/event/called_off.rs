choice!(
    /// What became of an event that its artist took away.
    Ending as "EventEnding" {
        /// It is nowhere to be found.
        Deleted = "DELETED",
        /// It does not take place, and its buyers have their money back.
        Cancelled = "CANCELLED",
    }
);

choice!(
    /// How far the buyers of a cancelled event have their money back.
    Progress as "EventRefundState" {
        /// Money is going back.
        Running = "RUNNING",
        /// All of it is back.
        Done = "DONE",
        /// Nothing more goes back by itself: our people look at the rest.
        NeedsPerson = "NEEDS_PERSON",
    }
);
