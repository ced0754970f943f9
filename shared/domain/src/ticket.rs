//! Tickets: one seat for one person. When they let somebody in, and once.

use std::time::Duration;

use crate::{event::Schedule, schema, text, time::Time};

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

text!(
    /// What a scanner, or whoever holds it, is called: 1 to 50 characters as a person counts them.
    words ScannerName, text::line, 1..=50, example "정문 스캐너 1"
);

text!(
    /// Who is looked for among those who come: a part of a nickname, or a ticket's id. Up to 50 characters as a person counts
    /// them.
    personal AttendeeWords,
    |typed: &str| text::lines(typed, 0, 50),
    |doc| schema::text(doc, "새벽").max_length(Some(50))
);

/// People are let in from so long before an event starts,
const DOORS_OPEN: Duration = Duration::from_hours(6);

/// and until so long after it has ended.
const DOORS_CLOSE: Duration = Duration::from_hours(1);

/// What was scanned where there was no network is taken until so long after the event has ended: so long a door key is good.
const SCANS_COME: Duration = Duration::from_hours(7 * 24);

/// How much the clock of a scanner may be ahead of ours.
const AHEAD: Duration = Duration::from_mins(5);

/// Why nobody is let in with what was scanned then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoorsClosed {
    /// It was too early.
    NotYet,
    /// It was too late.
    Over,
    /// It is still to come: the scanner's clock is wrong.
    Ahead,
}

/// Whether people are let in with what was scanned then.
///
/// # Errors
/// Why not.
pub fn doors_open_at(schedule: &Schedule, scanned_at: Time, now: Time) -> Result<(), DoorsClosed> {
    if scanned_at > now.plus(AHEAD) {
        return Err(DoorsClosed::Ahead);
    }
    if scanned_at < schedule.starts_at().minus(DOORS_OPEN) {
        return Err(DoorsClosed::NotYet);
    }
    if scanned_at >= schedule.ends_at().plus(DOORS_CLOSE) {
        return Err(DoorsClosed::Over);
    }
    Ok(())
}

/// Until when the door keys of an event are good.
pub fn door_keys_end_at(schedule: &Schedule) -> Time {
    schedule.ends_at().plus(SCANS_COME)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn people_are_let_in_from_six_hours_before_the_start_to_an_hour_after_the_end() {
        let hour = |hours: i64| Time::from_millis(hours * HOUR);
        let schedule = Schedule::new(hour(100), hour(102), hour(0), hour(100)).unwrap();
        let open = |millis: i64| {
            let scanned_at = Time::from_millis(millis);
            doors_open_at(&schedule, scanned_at, scanned_at)
        };
        for (millis, right) in [
            (94 * HOUR - 1, Err(DoorsClosed::NotYet)),
            (94 * HOUR, Ok(())),
            (103 * HOUR - 1, Ok(())),
            (103 * HOUR, Err(DoorsClosed::Over)),
        ] {
            assert_eq!(open(millis), right, "{millis}");
        }
        assert_eq!(door_keys_end_at(&schedule), hour(102 + 7 * 24));
    }

    #[test]
    fn a_scanner_s_clock_may_be_five_minutes_ahead_and_no_more() {
        let minute = |minutes: i64| Time::from_millis(minutes * 60_000);
        let schedule = Schedule::new(minute(60), minute(120), minute(0), minute(60)).unwrap();
        let ahead = |minutes: i64| doors_open_at(&schedule, minute(70 + minutes), minute(70));
        assert_eq!((ahead(-60), ahead(5)), (Ok(()), Ok(())));
        assert_eq!(ahead(6), Err(DoorsClosed::Ahead));
    }
}
