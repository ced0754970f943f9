//! `GET /v1/events/{eventId}/calendar.ics`: an event for people's calendars, as RFC 5545 has it.
//!
//! It is written here, in twenty lines: the crates for it make continuation lines of 76 octets, and none knows Korea's zone.

use std::time::Duration;

use api::{Anyone, Call, Page, Path, Problem, Response};
use domain::{
    codes::EVENT_NOT_FOUND,
    event::State,
    time::{KOREA, Time},
};
use store::{Store, catalog::event::Event};

use crate::path::EventPath;

/// Reads an event as a calendar entry
///
/// Everybody may. Read again it replaces the entry that was read before: it keeps its `UID`, and its `SEQUENCE` grows with each change.
#[utoipa::path(get, path = "/v1/events/{eventId}/calendar.ics", params(EventPath),
    responses((status = 200, description = "The entry", body = String, content_type = "text/calendar")),
)]
pub async fn handle(
    store: Store,
    call: Call<Anyone, Path<EventPath>>,
) -> Result<Response, Problem> {
    let Path(EventPath { event_id }) = call.input;
    let event = store.event(event_id).await?;
    let event = event.ok_or_else(|| Problem::new(EVENT_NOT_FOUND))?;
    let page = Page::new("text/calendar; charset=utf-8", entry(&event));
    Ok(page.attached("attachment; filename=\"event.ics\"").public().into())
}

/// What stands around every entry. Korea has kept no summer time since 1988.
const HEAD: &[&str] = &[
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Spotlight Space//Events//KO",
    "BEGIN:VTIMEZONE",
    "TZID:Asia/Seoul",
    "BEGIN:STANDARD",
    "DTSTART:19881009T030000",
    "TZOFFSETFROM:+1000",
    "TZOFFSETTO:+0900",
    "TZNAME:KST",
    "END:STANDARD",
    "END:VTIMEZONE",
    "BEGIN:VEVENT",
];

fn entry(event: &Event) -> String {
    let Event { id, version, title, place, content, category, schedule, .. } = event;
    let status = match event.state {
        State::Open => "CONFIRMED",
        State::Cancelled => "CANCELLED",
        State::Draft | State::Unknown => "TENTATIVE",
    };
    let lines = [
        format!("UID:{id}@spotlight-space"),
        // It begins at 0.
        format!("SEQUENCE:{}", version.saturating_sub(1)),
        format!("DTSTAMP:{}", utc(event.updated_at)),
        format!("CREATED:{}", utc(event.created_at)),
        format!("LAST-MODIFIED:{}", utc(event.updated_at)),
        format!("DTSTART;TZID=Asia/Seoul:{}", clock(schedule.starts_at())),
        format!("DTEND;TZID=Asia/Seoul:{}", clock(schedule.ends_at())),
        format!("STATUS:{status}"),
        format!("SUMMARY:{}", escaped(title.as_str())),
        format!("LOCATION:{}", escaped(place.as_str())),
        format!("CATEGORIES:{}", escaped(category.korean())),
        format!("DESCRIPTION:{}", escaped(content.as_str())),
        "END:VEVENT".to_owned(),
        "END:VCALENDAR".to_owned(),
    ];
    HEAD.iter().copied().chain(lines.iter().map(String::as_str)).map(folded).collect()
}

/// `20261224T193000`, on Korea's clock.
fn clock(time: Time) -> String {
    let text = time.to_string();
    let (moment, _) = text.split_at("2026-12-24T19:30:00".len());
    moment.replace(['-', ':'], "")
}

fn utc(time: Time) -> String {
    let ahead = Duration::from_secs(KOREA.seconds().unsigned_abs().into());
    format!("{}Z", clock(time.minus(ahead)))
}

/// A text as a value (3.3.11).
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,");
    text.replace("\r\n", "\\n").replace(['\r', '\n'], "\\n")
}

/// The octets of a line, without what ends it.
const LINE: usize = 75;

/// A line, in pieces that begin with a space where it is longer than it may be, none of which splits a character (3.1).
fn folded(line: &str) -> String {
    let mut folded = String::with_capacity(line.len() + line.len() / LINE * 4 + 2);
    let mut octets = 0;
    for character in line.chars() {
        if octets + character.len_utf8() > LINE {
            folded.push_str("\r\n ");
            octets = 1;
        }
        folded.push(character);
        octets += character.len_utf8();
    }
    folded.push_str("\r\n");
    folded
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    use api::Context;
    use domain::{event::Content, id::EventId};
    use serde_json::{Value, json};
    use store::{Write, catalog::event::EventKey};

    use super::*;
    use crate::samples::{event, seen, store};

    const READER: &str = r#"
import json, sys
from datetime import timedelta, timezone
from icalendar import Calendar

calendar = Calendar.from_ical(sys.stdin.buffer.read())
[event] = calendar.walk("VEVENT")
korea = lambda name: event[name].dt.astimezone(timezone(timedelta(hours=9))).isoformat()
print(json.dumps({
    "uid": event["UID"], "sequence": event["SEQUENCE"], "status": event["STATUS"],
    "summary": event["SUMMARY"], "location": event["LOCATION"], "description": event["DESCRIPTION"],
    "start": event["DTSTART"].dt.isoformat(), "end": event["DTEND"].dt.isoformat(), "stamp": korea("DTSTAMP"),
    "categories": [str(it) for it in event["CATEGORIES"].cats], "zones": [zone["TZID"] for zone in calendar.walk("VTIMEZONE")],
}))
"#;

    /// What Python's `icalendar` makes of it.
    fn read_back(entry: &str) -> Value {
        let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/venv/bin/python");
        let mut reading = Command::new(python);
        let reading = reading.args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut reading = reading.spawn().unwrap();
        reading.stdin.take().unwrap().write_all(entry.as_bytes()).unwrap();
        let output = reading.wait_with_output().unwrap();
        assert!(output.status.success(), "{entry}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[test]
    fn others_read_in_it_what_the_event_is() {
        let mut event = Event { version: 3, ..event(Time::from_millis(1_798_000_000_000)) };
        event.title = "밤, 그리고; 낮 \\ 😀".parse().unwrap();
        let content = "가나다 abc, 라마바; \\n 사\n".repeat(200) + &"긴".repeat(300);
        event.content = content.parse::<Content>().unwrap();
        let text = entry(&event);
        for line in text.split("\r\n") {
            assert!(line.len() <= 75 && !line.contains(['\r', '\n']), "{line}");
        }
        let read = read_back(&text);
        assert_eq!(
            read,
            json!({
                "uid": format!("{}@spotlight-space", event.id), "sequence": 2,
                "summary": event.title, "location": event.place, "description": event.content,
                "start": event.schedule.starts_at().to_string(), "end": event.schedule.ends_at().to_string(),
                "stamp": event.updated_at.to_string(), "status": "CONFIRMED", "categories": ["음악"],
                "zones": ["Asia/Seoul"],
            })
        );
    }

    #[test]
    fn a_change_is_the_same_entry_with_a_higher_sequence_and_what_is_cancelled_says_so() {
        let first = event(Time::now());
        let cancelled = first.cancelled(Time::now());
        let [before, after] = [&first, &cancelled].map(|event| read_back(&entry(event)));
        assert_eq!(before["uid"], after["uid"]);
        assert!(before["sequence"].as_u64() < after["sequence"].as_u64());
        assert_eq!(after["status"], "CANCELLED");
    }

    #[test]
    fn everybody_reads_the_entry_of_what_is_there() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let (store, metered) = (store(), Store::new(client, stack::prefix()));
            let event = event(Time::now());
            store.write(Write::create(&EventKey(event.id), &event), ()).await.unwrap();
            let asked = |event_id| {
                let input = Path(EventPath { event_id });
                handle(
                    metered.clone(),
                    Call { who: Anyone, input, context: Context::at(Time::now()) },
                )
            };
            let answer = asked(event.id).await.unwrap();
            stack::assert_operation("get_calendar_entry", &meter.take());
            assert_eq!(answer.headers()["content-type"], "text/calendar; charset=utf-8");
            assert_eq!(answer.body().as_ref(), entry(&event).as_bytes());
            let unknown = asked(EventId::generate()).await;
            assert_eq!(seen(unknown).1["code"], "EVENT_NOT_FOUND");
        });
    }
}
