//! Who leaves is gone everywhere: from the request over its worker to the last table, the search, the files and the logs.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use domain::{
    id::{EventId, ExportId, MailId, MemberId, PaymentId},
    member::{Email, Nickname, Provider, Role},
    points::Account,
    time::Time,
    won::Won,
};
use gateways::Files;
use identity::own_data::{self, OwnData, Wanted};
use reqwest::{Client, Method, header};
use serde_json::{Value, json};
use store::{
    Transaction, Write,
    catalog::event::EventKey,
    identity::member::{EmailKey, Member, MemberKey},
    inbox::notification::{self, Notification},
    personal::{Erasure, ITEMS},
    sales::points::{BalanceKey, earn},
};
use tests::{gateway, kills::Point};

use crate::{
    killed::{again, killed, mails, message, signed, store, token},
    shop::variable,
    world::{World, aws, eventually},
};

/// Everything that is kept somewhere and says this, but for what the data model says goes by itself.
async fn saying(what: &str) -> Vec<String> {
    let mut found = Vec::new();
    for table in stack::table_names(&variable("STAGE")) {
        let items = stack::items(&table).await.into_iter();
        found.extend(items.filter(|item| !expires(item)).map(|item| format!("{table}: {item}")));
    }
    found.extend(indexed().await);
    found.extend(files());
    found.extend(logged().await);
    found.retain(|place| place.contains(what));
    found
}

/// Whether an item goes by itself though it says something of somebody: a code for an address, or an answer for whoever lost it.
fn expires(item: &Value) -> bool {
    let kind = match item["sk"].as_str().unwrap() {
        "CODE" => "mailed code",
        "IDEMPOTENCY" => "idempotency",
        _ => return false,
    };
    let erasure = ITEMS.iter().find(|item| item.name == kind).unwrap().erasure;
    matches!(erasure, Erasure::Expires(_)) && item["expiresAt"].is_i64()
}

/// Every document of every index.
async fn indexed() -> Vec<String> {
    let url = format!("{}/_all/_search?size=10000", variable("OPENSEARCH_URL"));
    let client = Client::builder().no_proxy().build().unwrap();
    let all: Value = client.get(url).send().await.unwrap().json().await.unwrap();
    let hits = all["hits"]["hits"].as_array().unwrap().iter();
    hits.map(|hit| format!("{}: {hit}", hit["_index"].as_str().unwrap())).collect()
}

/// Every version of every file in every bucket, as the local cloud keeps them.
fn files() -> Vec<String> {
    fn below(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match fs::read(&path) {
                // The functions' own programs.
                Ok(bytes) if bytes.len() < 10_000_000 => {
                    found.push(format!("{}: {}", path.display(), String::from_utf8_lossy(&bytes)));
                }
                Ok(_) => {}
                Err(_) => below(&path, found),
            }
        }
    }
    let mut found = Vec::new();
    below(&Path::new(&variable("STACK_DIR")).join("s3"), &mut found);
    found
}

/// The bucket of files, in the local cloud's account.
fn bucket() -> String {
    format!("{}-files-000000000000", variable("STAGE"))
}

/// Every line of every log group: the functions', the journal's, the gateway's.
async fn logged() -> Vec<String> {
    let mut lines = Vec::new();
    let groups = aws("Logs_20140328.DescribeLogGroups", json!({ "limit": 50 })).await;
    let mut token = groups["nextToken"].clone();
    let mut groups = groups["logGroups"].as_array().unwrap().clone();
    while token.is_string() {
        let asked = json!({ "limit": 50, "nextToken": token });
        let more = aws("Logs_20140328.DescribeLogGroups", asked).await;
        groups.extend(more["logGroups"].as_array().unwrap().clone());
        token = more["nextToken"].clone();
    }
    for group in groups {
        let mut asked = json!({ "logGroupName": group["logGroupName"], "limit": 10_000 });
        loop {
            let page = aws("Logs_20140328.FilterLogEvents", asked.clone()).await;
            let events = page["events"].as_array().unwrap();
            lines.extend(events.iter().map(|it| format!("{}: {it}", group["logGroupName"])));
            match page["nextToken"].as_str() {
                Some(next) => asked["nextToken"] = next.into(),
                None => break,
            }
        }
    }
    lines
}

/// A show that is over in so many seconds.
fn short(world: &World, seconds: i64) -> Value {
    let at = |seconds: i64| json!(Time::from_millis(Time::now().millis() + seconds * 1_000));
    let mut event = world.event_body();
    for (name, seconds) in
        [("saleStartsAt", -60), ("startsAt", -30), ("saleEndsAt", seconds), ("endsAt", seconds)]
    {
        event[name] = at(seconds);
    }
    event
}

#[test]
fn nothing_of_who_left_is_found_anywhere_but_an_id_in_the_books() {
    stack::run(async {
        let world = World::new().await;
        let email = format!("gone-{}@example.kr", world.fresh()).to_lowercase();
        let leaver = world.sign_up_as(email.clone(), "ARTIST").await;
        let id: MemberId = leaver.id.parse().unwrap();
        let by =
            |method: Method, path: &str| world.request(method, path).bearer_auth(&leaver.token);

        // What they give: a name, a number, a birthday, an identity.
        let number = Time::now().millis() % 10_000_000;
        let phone = format!("010-{:04}-{:03}9", number / 1_000, number % 1_000);
        let name = format!("떠난 {}", world.fresh());
        let given = json!({ "nickname": name, "phone": phone, "birthDate": "1987-03-09" });
        let change = by(Method::PATCH, "/v1/me").header(header::IF_MATCH, "*").json(&given);
        world.done(change).await;
        let before = store().get(&MemberKey(id)).await.unwrap().unwrap();
        let mut linked = Member { version: before.version + 1, ..before.clone() };
        let kakao = format!("77{}", Time::now().millis());
        linked.identities.insert(Provider::Kakao.to_string(), kakao.parse().unwrap());
        store().change_member(&before, &linked).await.unwrap();

        // What they do: follow and be followed, publish, buy.
        let follow = |artist: &str| format!("/v1/artists/{artist}/follow");
        world.done(by(Method::PUT, &follow(&world.artist.id))).await;
        let fan = world.request(Method::PUT, &follow(&leaver.id)).bearer_auth(&world.fan.token);
        world.done(fan).await;
        let ends = 25;
        let theirs = world.publish(short(&world, ends)).await;
        let own = world.done(world.post("/v1/events", &leaver).json(&short(&world, ends))).await;
        let event = own["id"].as_str().unwrap();
        let told = async || {
            let inbox = world.get("/v1/notifications", &world.fan).await;
            let of_it = |item: &&Value| item["event"]["id"] == own["id"];
            inbox["items"].as_array().unwrap().iter().find(of_it).cloned()
        };
        assert_eq!(eventually("the fan is told", 60, told).await["artist"]["nickname"], name);
        let payment = world.buy(&leaver, &theirs, 1).await;
        let back = world.at_kakaopay(payment["id"].as_str().unwrap(), "approve").await;
        world.done(world.request(Method::GET, &back)).await;

        // What they wait for.
        let (full, _) = world.full_house(&world.guest, &leaver).await;
        let line = async || store().line(full.parse().unwrap(), 9, None).await.unwrap().items;
        assert_eq!(line().await.len(), 1);

        // What they were handed, as its worker writes it; twice, so that a version of it is kept.
        let export = Wanted { member_id: id, export_id: ExportId::generate() };
        let all = OwnData::of(&store(), id, usize::MAX).await.unwrap().unwrap();
        let bucket = Files::new(&stack::aws(&variable("AWS_ENDPOINT_URL")), bucket());
        for _ in 0..2 {
            bucket.put(&export.file(), own_data::KIND, all.0.clone().into()).await.unwrap();
        }

        let leave = |points: u64| by(Method::DELETE, &format!("/v1/me?forfeitedPoints={points}"));
        assert_eq!(world.refused(leave(0)).await, (409, "LIVE_TICKETS".into()));
        let points = world.get("/v1/me/points", &leaver).await["balance"].as_u64().unwrap();
        assert_eq!(points, 150, "half a percent of 30,000");
        let found = saying(&name).await;
        let finds = |place: &str| found.iter().any(|line| line.starts_with(place));
        let stage = variable("STAGE");
        for place in [format!("{stage}-identity"), format!("{stage}-catalog"), "events".into()] {
            assert!(finds(&place), "the scan looks into {place}: {found:#?}");
        }
        assert!(files().iter().filter(|file| file.contains(&name)).count() >= 2, "all versions");
        assert!(logged().await.iter().any(|line| line.contains("create_event")));
        let over: Time = own["endsAt"].as_str().unwrap().parse().unwrap();
        let is_over = async || (over < Time::now()).then_some(());
        eventually("both shows are over", 60, is_over).await;
        assert_eq!(world.refused(leave(0)).await, (409, "POINTS_NOT_CONFIRMED".into()));
        world.done(leave(points)).await;
        // What a payment that was approved at that moment brings.
        let earned = earn(id, PaymentId::generate(), Won::new(50), Time::now());
        let earning = earned.into_iter().fold(Transaction::<()>::new(), Transaction::also);
        store().transact(earning).await.unwrap();

        // At once.
        assert_eq!(world.refused(by(Method::GET, "/v1/me")).await, (401, "SESSION_ENDED".into()));
        assert_eq!(world.refused(world.signing_in(&email)).await.0, 401);
        let page = world.request(Method::GET, &format!("/v1/artists/{id}"));
        assert_eq!(world.refused(page).await, (404, "ARTIST_NOT_FOUND".into()));

        // And soon after.
        world.mailed(&email, "Your account was deleted").await;
        let gone = async || store().get(&MemberKey(id)).await.unwrap().is_none().then_some(());
        eventually("nothing is left of the member", 90, gone).await;
        assert_eq!(line().await, [], "nobody waits in their name");
        let nowhere = async |what: &str| {
            let look = async || saying(what).await.is_empty().then_some(());
            // The search is a moment behind.
            let within = tokio::time::timeout(Duration::from_secs(30), eventually(what, 60, look));
            assert!(within.await.is_ok(), "{what} is in {:#?}", saying(what).await);
        };
        for what in [&*email, &name, &phone, "1987-03-09", &kakao] {
            nowhere(what).await;
        }
        let of_event = world.done(world.request(Method::GET, &format!("/v1/events/{event}"))).await;
        assert_eq!(of_event["artist"], json!({ "id": id, "nickname": "탈퇴한 회원" }));
        assert_eq!(told().await.unwrap()["artist"]["nickname"], "탈퇴한 회원");
        let following = world.get("/v1/me/following", &world.fan).await;
        assert_eq!(following["items"], json!([]));
        assert_eq!(store().sum_of(Account::Member(id)).await.unwrap().posted, 0);
        // Who has no points has none to confirm.
        let stranger = world.request(Method::DELETE, "/v1/me").bearer_auth(&world.stranger.token);
        world.done(stranger).await;
        // Whoever has the address now is somebody else.
        assert_ne!(world.sign_up_as(email, "USER").await.id, leaver.id);
    });
}

/// Somebody with a little of everything.
struct Story {
    id: MemberId,
    email: Email,
    token: String,
    /// A show of theirs that is over.
    event: EventId,
}

impl Story {
    async fn begun() -> Self {
        let now = Time::now();
        let claims = stack::sign_in(&store(), Role::Artist, now).await;
        let id = claims.member_id;
        let member = store().get(&MemberKey(id)).await.unwrap().unwrap();
        let email = member.email.clone().unwrap();
        let other = stack::member(Role::Artist, now);
        let guard = store::identity::member::Guard { member_id: id };
        let event = stack::event_over(&member, now);
        let own =
            [Write::create(&EmailKey(&email), &guard), Write::create(&MemberKey(other.id), &other)];
        let earned = earn(id, PaymentId::generate(), Won::new(70), now);
        let writes = own.into_iter().chain(event.create()).chain(earned);
        let writing = writes.fold(Transaction::<()>::new(), Transaction::also);
        store().transact(writing).await.unwrap();
        store().follow(id, other.id, now).await.unwrap();
        store().follow(other.id, id, now).await.unwrap();
        let title = "달빛".parse().unwrap();
        let theirs = notification::Event { id: EventId::generate(), title };
        let publication = format!("EventPublished:{}:1", theirs.id);
        let told = Notification::new_event(&publication, now, theirs, other.id);
        store().notify(&[id], &told).await.unwrap();
        let token = token(&claims, now);
        Self { id, email, token, event: event.id }
    }

    /// Long enough ago.
    async fn left() -> Self {
        let (story, at) = (Self::begun().await, Time::now().minus(Duration::from_mins(1)));
        let member = store().get(&MemberKey(story.id)).await.unwrap().unwrap();
        let leaving = member.leaving(MailId::generate(), at);
        store().change_member(&member, &leaving).await.unwrap();
        story
    }

    fn message(&self, stage: &str) -> Value {
        message(&json!({ "memberId": self.id, "stage": stage }))
    }

    async fn assert_erased(&self, point: Option<&Point>) {
        let id = self.id.to_string();
        for table in ["identity", "inbox"] {
            let mut items = stack::items(&format!("{}-{table}", variable("STAGE"))).await;
            items.retain(|item| item.to_string().contains(&id));
            assert_eq!(items, [Value::Null; 0], "after {point:?}");
        }
        let event = store().get(&EventKey(self.event)).await.unwrap().unwrap();
        assert_eq!(event.artist_nickname, Nickname::of_nobody(), "after {point:?}");
        let account = Account::Member(self.id);
        assert_eq!(store().sum_of(account).await.unwrap().posted, 0, "after {point:?}");
        let balance = store().get(&BalanceKey(self.id)).await.unwrap().unwrap();
        assert_eq!(balance.balance, Won::ZERO, "after {point:?}");
    }
}

#[test]
fn a_leaving_that_dies_is_done_with_its_letter_or_not_at_all() {
    stack::run(async {
        let _world = World::new().await;
        let event = |story: &Story| {
            let headers = json!({ "accept": "application/json" });
            let mut request = gateway::request("DELETE", "/v1/me", headers);
            request["queryStringParameters"]["forfeitedPoints"] = json!("70");
            request["multiValueQueryStringParameters"]["forfeitedPoints"] = json!(["70"]);
            signed(request, &story.token)
        };
        let leave_again = async |story: &Story| {
            let member = store().get(&MemberKey(story.id)).await.unwrap().unwrap();
            let letters = mails(story.id).await.len();
            assert_eq!(member.left.is_some(), letters == 1, "neither without the other");
            again("delete_me", &event(story)).await;
        };
        let check = async |story: &Story, point: Option<&Point>| {
            let member = store().get(&MemberKey(story.id)).await.unwrap().unwrap();
            assert!(member.left.is_some(), "after {point:?}");
            assert_eq!(mails(story.id).await.len(), 1, "after {point:?}");
            let guard = store().get(&EmailKey(&story.email)).await.unwrap();
            assert_eq!(guard, None, "after {point:?}");
            let account = Account::Member(story.id);
            assert_eq!(store().sum_of(account).await.unwrap().posted, 0, "after {point:?}");
        };
        let calls = killed("delete_me", &event, Story::begun, leave_again, check).await;
        assert_eq!(
            calls,
            "BatchGetItem UpdateItem Query BatchGetItem Query SendMessage TransactWriteItems"
        );
    });
}

#[test]
fn a_parting_that_dies_anywhere_is_finished_by_the_next_message() {
    stack::run(async {
        let _world = World::new().await;
        let event = |story: &Story| story.message("ENDING");
        let comes_again = async |story: &Story| {
            again("erase_member", &event(story)).await;
            again("erase_member", &story.message("ALONE")).await;
        };
        let check = async |story: &Story, point: Option<&Point>| story.assert_erased(point).await;
        let calls = killed("erase_member", &event, Story::left, comes_again, check).await;
        // The shards of followers go at once, in no order.
        let calls: BTreeSet<_> = calls.split(' ').collect();
        let expected =
            ["BatchGetItem", "DeleteItem", "GetItem", "Query", "SendMessage", "TransactWriteItems"];
        assert!(calls.iter().eq(&expected), "{calls:?}");
    });
}

#[test]
fn an_erasure_that_dies_anywhere_is_finished_by_the_next_message() {
    stack::run(async {
        let _world = World::new().await;
        let event = |story: &Story| story.message("ALONE");
        let prepare = async || {
            let story = Story::left().await;
            again("erase_member", &story.message("ENDING")).await;
            story
        };
        let comes_again = async |story: &Story| again("erase_member", &event(story)).await;
        let check = async |story: &Story, point: Option<&Point>| story.assert_erased(point).await;
        let calls = killed("erase_member", &event, prepare, comes_again, check).await;
        let expected = "GetItem GET GetItem TransactWriteItems Query TransactWriteItems Query TransactWriteItems Query \
                        BatchGetItem TransactWriteItems DeleteItem";
        assert_eq!(calls, expected);
    });
}
