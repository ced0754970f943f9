//! KakaoPay's simulator: what the payer does there, what goes wrong there, and its books.

use std::{
    net::TcpListener,
    process::{Child, Command},
    sync::Arc,
    time::Duration,
};

use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::variable;

pub const CID: &str = "TC0ONETIME";
pub const KEY: &str = "local-kakaopay-secret";

pub struct Simulator {
    pub url: String,
    http: Client,
    process: Option<Child>,
}

/// Where the payer's browser goes next, and how many times.
#[derive(Debug, Deserialize)]
pub struct Back {
    #[serde(rename = "return_url")]
    pub address: String,
    pub visits: usize,
}

/// An order in the simulator's books. Amounts are won.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    pub partner_order_id: String,
    pub partner_user_id: String,
    pub approved_amount: u64,
    /// Approved and not given back.
    pub net_amount: u64,
    pub approve_calls: u32,
}

#[derive(Deserialize)]
struct Books {
    payments: Vec<Order>,
}

impl Simulator {
    /// The one that all tests share. Faults are set for one order alone.
    pub fn shared() -> Arc<Self> {
        Arc::new(Self { url: variable("KAKAOPAY_URL"), http: client(), process: None })
    }

    /// One of the test's own, on a free port; it ends with the value.
    pub async fn own() -> Arc<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/local/kakaopay.py");
        let process = Command::new(variable("PYTHON"))
            .args([program, "--port", &port.to_string()])
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let simulator = Self { url, http: client(), process: Some(process) };
        let limit = Instant::now() + Duration::from_secs(30);
        while simulator.http.get(format!("{}/health", simulator.url)).send().await.is_err() {
            assert!(Instant::now() < limit, "the simulator does not start");
            sleep(Duration::from_millis(50)).await;
        }
        Arc::new(simulator)
    }

    /// What the payer decides on the page (`approve`, `cancel`, `fail`); nothing when it is too late, or there is none any more.
    pub async fn decide(&self, page: &str, decision: &str) -> Option<Back> {
        let id = page.rsplit('/').nth(1)?;
        let answer = self
            .http
            .post(format!("{}/_sim/payments/{id}/{decision}", self.url))
            .send()
            .await
            .unwrap();
        if answer.status() == StatusCode::CONFLICT {
            return None;
        }
        Some(answer.error_for_status().unwrap().json().await.unwrap())
    }

    /// Switches faults; `infra/local/kakaopay.py` has them all.
    pub async fn faults(&self, switches: Value) {
        let answer = self
            .http
            .post(format!("{}/_sim/faults", self.url))
            .json(&switches)
            .send()
            .await
            .unwrap();
        answer.error_for_status().unwrap();
    }

    /// Every order there is.
    pub async fn orders(&self) -> Vec<Order> {
        let answer = self.http.get(format!("{}/_sim/payments", self.url)).send().await.unwrap();
        answer.json::<Books>().await.unwrap().payments
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

fn client() -> Client {
    Client::builder().timeout(Duration::from_secs(30)).no_proxy().build().unwrap()
}
