//! Moments and Korean days.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};
use utoipa::openapi::KnownFormat;

use crate::invalid::Invalid;
use crate::schema;

/// Korea's clock. It has kept no summer time since 1988, so a constant does, and no time zone data is shipped.
pub const KOREA: Offset = Offset::constant(9);

const MOMENT_EXAMPLE: &str = "2026-12-24T19:30:00+09:00";
const DAY_EXAMPLE: &str = "2026-12-24";

/// A moment, to the millisecond. Kept as UTC, shown on Korea's clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(i64);

impl Time {
    /// This moment. Asked for once, at the border; rules get the time handed in.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now() -> Self {
        Self::from_millis(Timestamp::now().as_millisecond())
    }

    /// So many milliseconds after 1970 began in UTC. What lies beyond the calendar becomes its end.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond()))
    }

    /// Milliseconds since 1970 began in UTC.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970 began in UTC, as DynamoDB's time to live and tokens count them.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment so much later.
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// The moment so much earlier.
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// How long it is until `later`; nothing if that is past.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// The day it is in Korea. Every rule about days goes through here.
    pub fn korean_day(self) -> Day {
        Day(KOREA.to_datetime(self.timestamp()).date())
    }

    fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::MAX)
    }
}

impl FromStr for Time {
    type Err = Invalid;

    /// Reads RFC 3339. An offset is required: without one it would not be a moment. What is finer than a millisecond is cut off.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = Invalid::Format { expected: MOMENT_EXAMPLE };
        // jiff also reads other notations, such as a space for the `T` or a zone in brackets.
        if !is_rfc3339(text) {
            return Err(wrong);
        }
        let timestamp: Timestamp = text.parse().map_err(|_| wrong)?;
        Ok(Self::from_millis(timestamp.as_millisecond()))
    }
}

fn is_rfc3339(text: &str) -> bool {
    let Some((clock, rest)) = text.split_at_checked(MOMENT_EXAMPLE.len() - "+09:00".len()) else {
        return false;
    };
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if offset.len() == fraction.len() {
                return false;
            }
            offset
        }
        None => rest,
    };
    has_shape(clock, "0000-00-00T00:00:00")
        && (offset == "Z" || has_shape(offset, "+00:00") || has_shape(offset, "-00:00"))
}

/// Whether the text is the shape with any digits in place of its zeros.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            _ => byte == wanted,
        })
}

impl TryFrom<String> for Time {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.to_string()
    }
}

impl fmt::Display for Time {
    /// RFC 3339 on Korea's clock; milliseconds only where there are some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = KOREA.to_datetime(self.timestamp());
        write!(
            f,
            "{}T{:02}:{:02}:{:02}",
            clock.date(),
            clock.hour(),
            clock.minute(),
            clock.second()
        )?;
        match clock.millisecond() {
            0 => f.write_str("+09:00"),
            millis => write!(f, ".{millis:03}+09:00"),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

has_schema!(
    Time,
    schema::formatted(
        "A moment in RFC 3339, with any offset when sent; answered on Korea's clock, to the millisecond.",
        MOMENT_EXAMPLE,
        KnownFormat::DateTime
    )
);

/// A day in Korea.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(Date);

impl Day {
    /// Its first moment.
    pub fn start(self) -> Time {
        let midnight = KOREA.to_timestamp(self.0.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX);
        Time::from_millis(midnight.as_millisecond())
    }

    /// The first moment of the day after.
    pub fn end(self) -> Time {
        self.start().plus(Duration::from_hours(24))
    }

    /// Whether somebody who was born on `born` is so many years old on this day. Who was born on 29 February is a year older on
    /// 1 March, where there is no such day (Civil Act, art. 158 and 160).
    pub fn is_birthday_or_later(self, born: Self, years: i16) -> bool {
        let Self(today) = self;
        (today.year() - years, today.month(), today.day())
            >= (born.0.year(), born.0.month(), born.0.day())
    }

    /// How many days it is until `later`; negative if that is past.
    pub fn days_until(self, later: Self) -> i64 {
        (later.0.duration_since(self.0)).as_hours() / 24
    }
}

impl FromStr for Day {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = Invalid::Format { expected: DAY_EXAMPLE };
        if !has_shape(text, "0000-00-00") {
            return Err(wrong);
        }
        text.parse().map(Self).map_err(|_| wrong)
    }
}

impl TryFrom<String> for Day {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

has_schema!(Day, schema::formatted("A day in Korea.", DAY_EXAMPLE, KnownFormat::Date));

/// A moment as stored items write it: `#[serde(with = "domain::time::millis")]`.
pub mod millis {
    use super::Time;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes milliseconds since 1970 in UTC.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(time.millis())
    }

    /// Reads milliseconds since 1970 in UTC.
    ///
    /// # Errors
    /// When it is not a whole number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        i64::deserialize(deserializer).map(Time::from_millis)
    }
}

/// The same for a moment that may be missing: `#[serde(default, with = "domain::time::optional_millis")]`.
pub mod optional_millis {
    use super::Time;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes milliseconds since 1970 in UTC, or null.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn serialize<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(Time::millis).serialize(serializer)
    }

    /// Reads milliseconds since 1970 in UTC, or null.
    ///
    /// # Errors
    /// When it is neither a whole number nor null.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Time>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Time::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn a_moment_has_whole_seconds_before_1970_too() {
        assert_eq!(
            [1_999, 2_000, -1].map(|millis| Time::from_millis(millis).seconds()),
            [1, 2, -1]
        );
    }

    #[test]
    fn whoever_looks_for_a_fault_reads_times_as_callers_do() {
        let text = "2026-12-24T19:30:00+09:00";
        assert_eq!(format!("{:?} {:?}", at(text), day("2026-12-24")), format!("{text} 2026-12-24"));
    }

    #[test]
    fn a_moment_needs_an_offset_and_is_shown_in_korea() {
        for same in [
            "2026-12-24T19:30:00+09:00",
            "2026-12-24T10:30:00Z",
            "2026-12-24T10:30:00.000Z",
            "2026-12-24T05:30:00-05:00",
            "2026-12-24T10:30:00.0009999+00:00",
        ] {
            assert_eq!(at(same).to_string(), MOMENT_EXAMPLE, "{same}");
        }
        assert_eq!(at("2026-12-24T10:30:00.05Z").to_string(), "2026-12-24T19:30:00.050+09:00");
    }

    #[test]
    fn only_rfc_3339_is_a_moment() {
        for wrong in [
            "",
            "2026-12-24",
            "2026-12-24T19:30:00",
            "2026-12-24T19:30+09:00",
            "2026-12-24 19:30:00+09:00",
            "2026-12-24T19:30:00+09",
            "2026-12-24T19:30:00+0900",
            "2026-12-24T19:30:00+09:00[Asia/Seoul]",
            "2026-12-24T19:30:00.Z",
            "2026-12-24T19:30:00,5Z",
            "2026-02-30T19:30:00Z",
            "2026-12-24T25:00:00Z",
            "+002026-12-24T19:30:00Z",
            "2026-12-24T19:30:0０Z",
            "1766572200",
        ] {
            assert_eq!(Time::try_from(wrong.to_owned()).unwrap_err().code(), "FORMAT", "{wrong}");
        }
    }

    #[test]
    fn a_korean_day_begins_at_fifteen_hours_utc() {
        assert_eq!(at("2026-12-23T14:59:59.999Z").korean_day(), day("2026-12-23"));
        assert_eq!(at("2026-12-23T15:00:00Z").korean_day(), day("2026-12-24"));
        assert_eq!(day("2026-12-24").start(), at("2026-12-23T15:00:00Z"));
        assert_eq!(day("2026-12-24").end(), at("2026-12-24T15:00:00Z"));
    }

    #[test]
    fn days_are_counted_by_the_calendar() {
        assert_eq!(day("2026-12-24").days_until(day("2026-12-24")), 0);
        assert_eq!(day("2028-02-28").days_until(day("2028-03-01")), 2);
        assert_eq!(day("2027-01-01").days_until(day("2026-12-31")), -1);
    }

    #[test]
    fn only_a_calendar_day_is_a_day() {
        for wrong in ["2026-02-29", "2026-2-9", "20260209", "2026-12-24T00:00:00Z", "오늘"] {
            assert_eq!(Day::try_from(wrong.to_owned()).unwrap_err().code(), "FORMAT", "{wrong}");
        }
    }

    #[test]
    fn time_passes_both_ways_and_stops_at_the_ends() {
        let moment = at(MOMENT_EXAMPLE);
        let hold = Duration::from_secs(900);
        assert_eq!(moment.plus(hold).minus(hold), moment);
        assert_eq!(moment.until(moment.plus(hold)), hold);
        assert_eq!(moment.plus(hold).until(moment), Duration::ZERO);
        assert_eq!(moment.plus(Duration::MAX), Time::from_millis(i64::MAX));
        assert_eq!(moment.minus(Duration::MAX), Time::from_millis(i64::MIN));
        assert_eq!(Time::from_millis(-1).seconds(), -1);
        assert!(Time::now() > at("2025-01-01T00:00:00Z"));
    }

    #[test]
    fn json_shows_text_and_items_keep_milliseconds() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Item {
            shown: Time,
            day: Day,
            #[serde(with = "millis")]
            kept: Time,
            #[serde(default, with = "optional_millis")]
            maybe: Option<Time>,
        }

        let moment = at(MOMENT_EXAMPLE);
        let item =
            Item { shown: moment, day: moment.korean_day(), kept: moment, maybe: Some(moment) };
        let json = serde_json::to_string(&item).unwrap();
        assert_eq!(
            json,
            r#"{"shown":"2026-12-24T19:30:00+09:00","day":"2026-12-24","kept":1798108200000,"maybe":1798108200000}"#
        );
        assert_eq!(serde_json::from_str::<Item>(&json).unwrap(), item);
        let without = json.replace(r#","maybe":1798108200000"#, "");
        assert_eq!(serde_json::from_str::<Item>(&without).unwrap().maybe, None);
    }

    /// Any moment of the years 1 to 9999.
    fn moments() -> impl Strategy<Value = Time> {
        (-62_135_596_800_000..=253_402_200_000_000_i64).prop_map(Time::from_millis)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(moment in moments()) {
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            let day = moment.korean_day();
            prop_assert_eq!(day.to_string().parse(), Ok(day));
        }

        #[test]
        fn every_moment_is_in_its_korean_day_and_no_other(moment in moments()) {
            let day = moment.korean_day();
            prop_assert!(day.start() <= moment && moment < day.end());
            prop_assert_eq!(day.start().korean_day(), day);
            let eve = day.start().minus(Duration::from_millis(1)).korean_day();
            prop_assert_eq!(eve.days_until(day), 1);
            prop_assert_eq!(day.days_until(day.end().korean_day()), 1);
        }

        #[test]
        fn days_between_are_whole(moment in moments(), days in 0..4_000_u32) {
            let later = moment.plus(Duration::from_hours(24) * days);
            prop_assume!(later < Time::from_millis(253_402_200_000_000));
            prop_assert_eq!(moment.korean_day().days_until(later.korean_day()), i64::from(days));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC*") {
            let _ = text.parse::<Time>();
            let _ = text.parse::<Day>();
        }
    }
}
