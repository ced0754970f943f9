//! The helpers are proven too: a kill that does not kill would make every other test here look good.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use serde_json::json;
use tests::kills::{Point, Step, every_kill_point};
use tests::outside::Moment;
use tests::runtime_api::{Function, Outcome};

/// A function that moves one won by two calls, without any care for crashes.
const CARELESS: &str = r"
import os, urllib.request
api = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API'] + '/2018-06-01/runtime'
while True:
    event = urllib.request.urlopen(api + '/invocation/next')
    account = event.read().decode().strip('\x22')
    for step in ('debit', 'credit'):
        urllib.request.urlopen(os.environ['BANK_URL'] + '/' + account + '/' + step, data=b'').read()
    url = api + '/invocation/' + event.headers['lambda-runtime-aws-request-id'] + '/response'
    urllib.request.urlopen(url, data=b'\x22moved\x22').read()
";

type Bank = Arc<Mutex<HashMap<(String, String), u32>>>;

async fn book(State(bank): State<Bank>, Path(booking): Path<(String, String)>) {
    *bank.lock().unwrap().entry(booking).or_default() += 1;
}

async fn open_bank() -> (Bank, String) {
    let bank = Bank::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().route("/{account}/{step}", post(book)).with_state(bank.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (bank, url)
}

fn careless(bank: &str) -> Command {
    let mut program = Command::new("python3");
    program.args(["-c", CARELESS]).env("BANK_URL", bank).stderr(Stdio::null());
    program
}

#[test]
fn a_function_gets_events_one_by_one_and_its_death_is_seen() {
    stack::run(async {
        let (bank, url) = open_bank().await;
        let function = Function::start("careless", careless(&url)).await.unwrap();
        assert!(function.ready().await.unwrap().as_millis() > 0);
        for _ in 0..2 {
            assert_eq!(function.invoke(&json!("a")).await, Ok(Outcome::Answer(json!("moved"))));
        }
        assert_eq!(bank.lock().unwrap()[&("a".to_owned(), "debit".to_owned())], 2);
        assert!(function.peak_memory().unwrap() > 1000);
        assert!(function.processor_time().unwrap().as_micros() > 1000);
        function.killer()();
        assert_eq!(function.invoke(&json!("a")).await, Ok(Outcome::Died));
    });
}

#[test]
fn a_program_that_ends_before_it_is_ready_is_an_error_and_not_a_wait() {
    stack::run(async {
        let function = Function::start("broken", Command::new("false")).await.unwrap();
        assert!(function.ready().await.unwrap_err().contains("before it was ready"));
    });
}

#[test]
fn every_call_is_a_kill_point_on_both_sides_and_careless_work_is_found_out() {
    stack::run(async {
        let (bank, url) = open_bank().await;
        let accounts = Mutex::new(0..);
        let step = Step {
            name: "careless",
            services: &[("bank", &url)],
            program: &|outside| careless(outside.url("bank")),
            event: &|account: &String| json!(account),
        };
        let booked = |account: &String, step: &str| {
            bank.lock().unwrap().get(&(account.clone(), step.to_owned())).copied().unwrap_or(0)
        };
        let lost = Mutex::new(Vec::new());
        let points = every_kill_point(
            step,
            async || format!("account-{}", accounts.lock().unwrap().next().unwrap()),
            async |_| {},
            async |account, point: Option<&Point>| match point {
                Some(point) if booked(account, "debit") != booked(account, "credit") => {
                    lost.lock().unwrap().push((point.call, point.moment));
                }
                Some(_) => {}
                None => assert_eq!((booked(account, "debit"), booked(account, "credit")), (2, 2)),
            },
        )
        .await;
        let points: Vec<_> =
            points.iter().map(|p| (p.call, p.moment, &*p.operation.service)).collect();
        let all = [
            (0, Moment::Before, "bank"),
            (0, Moment::After, "bank"),
            (1, Moment::Before, "bank"),
            (1, Moment::After, "bank"),
        ];
        assert_eq!(points, all);
        assert_eq!(*lost.lock().unwrap(), [(0, Moment::After), (1, Moment::Before)]);
    });
}
