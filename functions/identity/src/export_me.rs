//! `GET /v1/me/export`: all that is kept of the caller. What is too large for an answer a worker writes to a file.

use std::time::Duration;

use api::{Answer, Call, Page, Problem, Response};
use domain::{id::MemberId, time::Time};
use gateways::{Files, Queue};
use http::header;
use serde::Serialize;
use store::{
    Store,
    ephemeral::export::{ExportItem, ExportKey},
    identity::session::SignedIn,
};
use utoipa::ToSchema;

use crate::{
    limits,
    own_data::{KIND, OwnData, Wanted},
};

/// How much is answered at once, in bytes: Lambda takes six times as much, and nobody waits for long.
const AT_ONCE: usize = 1024 * 1024;

/// How long a link opens its file: for less than the session of any function's role lasts.
const LINK: Duration = Duration::from_mins(15);

/// When to ask again.
const SOON: Duration = Duration::from_secs(5);

/// An export that is larger than an answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportView {
    /// How far it is.
    #[schema(example = "READY")]
    status: ExportStatus,
    /// Where it can be fetched, without a token; whoever has the address can. `null` until it is ready.
    #[schema(
        required,
        example = "https://files.example/exports/mem_01KB4ZXJ3V8Q5W7N2M6T9RHCDE/exp_01KB4ZXJ3V8Q5W7N2M6T9RHCDE.json"
    )]
    url: Option<String>,
    /// When the address ends. Asking again brings another.
    #[schema(required)]
    url_ends_at: Option<Time>,
}

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ExportStatus {
    /// It is being written.
    Preparing,
    /// It can be fetched.
    Ready,
}

/// The database, the files, and the queue of what is to be written.
pub type Clients = (Store, Files, Queue<Wanted>);

/// Hands over everything that is kept of one's own account
///
/// The account, its sessions, whom it follows, what it was told, its events, payments, tickets and how its points moved, as a file
/// of JSON. More than a megabyte is not answered at once: it is written within minutes, and asking again brings an address where it
/// can be fetched, of the same file for a day.
#[utoipa::path(get, path = "/v1/me/export", security(("bearer" = [])),
    responses(
        (status = 200, description = "All of it", body = OwnData, headers(("Content-Disposition" = String))),
        (status = 202, description = "It is too large for an answer", body = ExportView, headers(("Retry-After" = u64))),
    ),
)]
pub async fn handle(
    (store, files, queue): Clients,
    call: Call<SignedIn>,
) -> Result<Response, Problem> {
    let now = call.context.now;
    let (session, known) = store.read_for(&call.who, ExportKey::of(&call.who), now).await?;
    let member_id = session.member.id;
    if let Some(export) = known.filter(|export| export.holds(now)) {
        return in_a_file(&files, member_id, export, now).await;
    }
    store.count(limits::EXPORT_OF, &member_id.to_string(), now).await?;
    if let Some(OwnData(text)) = OwnData::of(&store, member_id, AT_ONCE).await? {
        return Ok(Page::new(KIND.media_type, text).attached(KIND.disposition).into());
    }
    // If it dies in between, it is begun anew after a while.
    let new = ExportItem::begun(now);
    let export = store.begin_export(member_id, known.as_ref(), new).await?;
    if export.id == new.id {
        queue.send(&Wanted { member_id, export_id: export.id }, Duration::ZERO).await?;
    }
    in_a_file(&files, member_id, export, now).await
}

async fn in_a_file(
    files: &Files,
    member_id: MemberId,
    export: ExportItem,
    now: Time,
) -> Result<Response, Problem> {
    if export.ready_at.is_none() {
        let view = ExportView { status: ExportStatus::Preparing, url: None, url_ends_at: None };
        let soon = SOON.as_secs().to_string();
        return Ok(Answer::accepted(view).with(header::RETRY_AFTER, &soon).into());
    }
    let file = Wanted { member_id, export_id: export.id }.file();
    let (url, url_ends_at) = (files.link(&file, LINK).await?, now.plus(LINK));
    let status = ExportStatus::Ready;
    Ok(Answer::accepted(ExportView { status, url: Some(url), url_ends_at: Some(url_ends_at) })
        .into())
}

#[cfg(test)]
mod tests {
    use domain::id::MailId;
    use futures::future::join_all;
    use serde_json::Value;
    use store::{identity::member::MemberKey, personal::Section};

    use super::*;
    use crate::testing::{
        Exports, PASSWORD, fresh_email, fresh_phone, sign_in, sign_up, sign_up_body, store,
    };

    /// The names of all fields in it, however deep.
    fn names(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| names(value, found)),
            Value::Object(fields) => {
                found.extend(fields.keys().cloned());
                fields.values().for_each(|value| names(value, found));
            }
            _ => {}
        }
    }

    #[test]
    fn a_member_is_handed_every_section_as_a_file_and_nothing_that_opens_anything() {
        stack::run(async {
            let exports = Exports::new(store()).await;
            let email = fresh_email();
            let mut body = sign_up_body(&email);
            body["phone"] = fresh_phone().into();
            sign_up(body).await;
            let token = sign_in(&email, PASSWORD).await.refresh_token();
            let seen = exports.ask(token.key(), Time::now()).await;
            assert_eq!(seen.status, 200);
            let header = |name| seen.headers[name].to_str().unwrap();
            assert_eq!(header(header::CONTENT_TYPE), "application/json");
            assert!(header(header::CONTENT_DISPOSITION).starts_with("attachment"));
            for section in Section::ALL {
                let value = &seen.body[section.name()];
                let right =
                    if section == Section::Account { value.is_object() } else { value.is_array() };
                assert!(right, "{}: {value}", section.name());
            }
            assert_eq!(seen.body.as_object().unwrap().len(), Section::ALL.len());
            assert_eq!(seen.body["account"]["email"], email);
            assert_eq!(seen.body["sessions"].as_array().unwrap().len(), 1);
            let mut found = Vec::new();
            names(&seen.body, &mut found);
            for secret in ["hash", "token", "salt", "password", "pk", "sk", "writeId"] {
                let told = found.iter().find(|name| {
                    **name == secret || (secret.len() > 2 && name.to_lowercase().contains(secret))
                });
                assert_eq!(told, None);
            }
            assert!(!seen.body.to_string().contains("$argon2"));
            let tables = ["identity", "inbox"].map(|table| format!("{}-{table}", stack::prefix()));
            for table in tables {
                for item in stack::items(&table).await {
                    for secret in ["familyHash", "refreshHash", "passwordHash"] {
                        let Some(secret) = item[secret].as_str().filter(|it| !it.is_empty()) else {
                            continue;
                        };
                        assert!(!seen.body.to_string().contains(secret));
                    }
                }
            }
        });
    }

    #[test]
    fn what_is_too_large_for_an_answer_is_written_to_a_file_once_and_handed_over_for_a_day() {
        stack::run(async {
            let exports = Exports::new(store()).await;
            let artist = exports.artist_of(10).await;
            let minute = Duration::from_mins(1);
            let began = Time::now().minus(minute * 60);
            let ask = async |after: Duration| exports.ask(artist, began.plus(after)).await;
            for after in [0, 1, 4] {
                let seen = ask(minute * after).await;
                assert_eq!(
                    (seen.status.as_u16(), &seen.body["status"]),
                    (202, &"PREPARING".into())
                );
                assert!(seen.body["url"].is_null() && seen.body["urlEndsAt"].is_null());
                assert_eq!(seen.headers[header::RETRY_AFTER], "5");
            }
            let waiting = exports.waiting().await;
            assert_eq!(
                waiting.iter().map(|it| it.member_id).collect::<Vec<_>>(),
                [artist.member_id]
            );

            for _ in 0..2 {
                exports.write(waiting[0]).await;
            }
            let content = exports.content(&waiting[0]).await.unwrap();
            let content: Value = serde_json::from_str(&content).unwrap();
            assert_eq!(content["events"].as_array().unwrap().len(), 10);
            assert_eq!(content["account"]["id"], artist.member_id.to_string());
            assert_eq!(
                exports.bucket.versions().await.len(),
                1,
                "the same message changes nothing"
            );

            let nearly_a_day = minute * 60 * 23;
            let ready = ask(nearly_a_day).await;
            assert_eq!((ready.status.as_u16(), &ready.body["status"]), (202, &"READY".into()));
            assert!(ready.body["url"].as_str().unwrap().contains(&waiting[0].file()));
            assert!(!ready.headers.contains_key(header::RETRY_AFTER));
            let ends: Time = ready.body["urlEndsAt"].as_str().unwrap().parse().unwrap();
            assert_eq!(began.plus(nearly_a_day).until(ends), LINK);
            assert!(exports.waiting().await.is_empty());
            // The next day it is another one.
            assert_eq!(ask(minute * 60 * 24 + minute).await.body["status"], "PREPARING");
            assert_ne!(exports.waiting().await[0].export_id, waiting[0].export_id);
        });
    }

    #[test]
    fn one_whose_worker_died_is_begun_anew_after_minutes_and_the_old_one_is_nobodys() {
        stack::run(async {
            let exports = Exports::new(store()).await;
            let artist = exports.artist_of(10).await;
            exports.ask(artist, Time::now()).await;
            let late = Time::now().plus(Duration::from_mins(5));
            assert_eq!(exports.ask(artist, late).await.body["status"], "PREPARING");
            let [old, new] = exports.waiting().await.try_into().unwrap();
            assert_ne!(old.export_id, new.export_id);
            exports.write(old).await;
            assert_eq!(exports.content(&old).await, None);
            exports.write(new).await;
            assert!(exports.content(&new).await.is_some());
        });
    }

    #[test]
    fn of_who_left_nothing_is_written() {
        stack::run(async {
            let exports = Exports::new(store()).await;
            let artist = exports.artist_of(10).await;
            exports.ask(artist, Time::now()).await;
            let [wanted] = exports.waiting().await.try_into().unwrap();
            let member = store().get(&MemberKey(artist.member_id)).await.unwrap().unwrap();
            store()
                .change_member(&member, &member.leaving(MailId::generate(), Time::now()))
                .await
                .unwrap();
            exports.write(wanted).await;
            assert!(exports.bucket.versions().await.is_empty());
        });
    }

    #[test]
    fn many_who_ask_at_once_begin_one() {
        stack::run(async {
            let exports = Exports::new(store()).await;
            let artist = exports.artist_of(10).await;
            let asked = join_all((0..5).map(|_| exports.ask(artist, Time::now()))).await;
            assert!(asked.iter().all(|seen| seen.body["status"] == "PREPARING"));
            assert_eq!(exports.waiting().await.len(), 1);
        });
    }

    #[test]
    fn without_the_condition_on_what_stands_there_they_begin_several() {
        stack::run(async {
            let several = async || {
                let own = Store::new(stack::without("pk"), stack::prefix());
                let exports = Exports::new(own).await;
                let artist = exports.artist_of(10).await;
                join_all((0..5).map(|_| exports.ask(artist, Time::now()))).await;
                exports.waiting().await.len() > 1
            };
            assert!(stack::happens(several).await);
        });
    }

    #[test]
    fn who_asks_too_often_waits() {
        stack::run(async {
            let exports = Exports::new(store()).await;
            let fan = exports.artist_of(0).await;
            for _ in 0..limits::EXPORT_OF.limit {
                assert_eq!(exports.ask(fan, Time::now()).await.status, 200);
            }
            let refused = exports.ask(fan, Time::now()).await;
            assert_eq!(refused.told(), (429, "TOO_MANY_REQUESTS"));
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let exports = Exports::new(Store::new(client, stack::prefix())).await;
            let fan = exports.artist_of(0).await;
            exports.ask(fan, Time::now()).await;
            stack::assert_operation("export_me", &meter.take());
            let artist = exports.artist_of(10).await;
            meter.take();
            exports.ask(artist, Time::now()).await;
            stack::assert_operation("export_me, of 10 long events", &meter.take());
            exports.ask(artist, Time::now()).await;
            stack::assert_operation("export_me, asked again", &meter.take());
            let [wanted] = exports.waiting().await.try_into().unwrap();
            exports.write(wanted).await;
            stack::assert_operation("write_export, of 10 long events", &meter.take());
        });
    }

    #[test]
    fn an_export_names_a_member_and_itself_and_no_more() {
        let wanted = Wanted {
            member_id: MemberId::generate(),
            export_id: ExportItem::begun(Time::now()).id,
        };
        let sent = serde_json::to_value(wanted).unwrap();
        assert_eq!(
            sent,
            serde_json::json!({ "memberId": wanted.member_id, "exportId": wanted.export_id })
        );
        assert_eq!(
            wanted.file(),
            format!("exports/{}/{}.json", wanted.member_id, wanted.export_id)
        );
    }
}
