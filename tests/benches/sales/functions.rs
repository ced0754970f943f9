//! `create_payment` without Lambda: an address that hands each request to one of sixteen processes of it, as API Gateway would.

use std::{
    env,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Map, Value};
use tests::{
    gateway,
    runtime_api::{Function, Outcome},
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
};

use crate::Result;

const PROCESSES: usize = 16;

/// What runs, and where.
pub struct Functions {
    /// Where orders go.
    pub url: String,
    running: Arc<Vec<Function>>,
}

#[derive(Clone)]
struct Idle {
    running: Arc<Vec<Function>>,
    give: mpsc::UnboundedSender<usize>,
    take: Arc<Mutex<mpsc::UnboundedReceiver<usize>>>,
}

/// Starts them with tables of this process.
pub async fn serve(program: &Path) -> Result<Functions> {
    let mut running = Vec::new();
    for _ in 0..PROCESSES {
        let mut program = Command::new(program);
        program
            .stdout(Stdio::null())
            .env_clear()
            .env("RUST_LOG", "info")
            .env("AWS_REGION", "ap-northeast-2")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_ENDPOINT_URL", env::var("AWS_ENDPOINT_URL")?)
            .env("STAGE", "bench")
            .env("TABLE_PREFIX", stack::prefix())
            .env("JWT_PUBLIC_KEYS", stack::PUBLIC_KEYS)
            .env("HOLD_SECONDS", "900")
            // What is free goes past KakaoPay.
            .env("KAKAOPAY_SECRET_ID", "none")
            .env("CURSOR_SECRET_ID", "none")
            .env("KAKAOPAY_URL", "http://127.0.0.1:9")
            .env("KAKAOPAY_CID", "TC0ONETIME")
            .env("PUBLIC_URL", "http://127.0.0.1:3000");
        let function = Function::start("create_payment", program).await?;
        function.ready().await?;
        running.push(function);
    }
    let running = Arc::new(running);
    let (give, take) = mpsc::unbounded_channel();
    for number in 0..PROCESSES {
        give.send(number)?;
    }
    let idle = Idle { running: Arc::clone(&running), give, take: Arc::new(Mutex::new(take)) };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let app = Router::new().route("/v1/payments", post(invoke)).with_state(idle);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(Functions { url, running })
}

impl Functions {
    /// What all of them have used of a processor.
    pub fn processor_ms(&self) -> Result<f64> {
        let each = self.running.iter().map(|function| Ok(function.processor_time()?.as_secs_f64()));
        Ok(each.sum::<Result<f64>>()? * 1e3)
    }
}

/// Whoever serves them keeps them, too, and lives as long as the process.
impl Drop for Functions {
    fn drop(&mut self) {
        for function in self.running.iter() {
            function.killer()();
        }
    }
}

async fn invoke(
    State(idle): State<Idle>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let text = |name: &header::HeaderName| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        Value::from(value.unwrap_or_default())
    };
    let given = headers.keys().map(|name| (name.to_string(), text(name)));
    let mut event =
        gateway::request("POST", "/v1/payments", Value::Object(given.collect::<Map<_, _>>()));
    event["body"] = body.into();
    event["requestContext"]["identity"]["sourceIp"] = from.ip().to_string().into();
    let number = idle.take.lock().await.recv().await;
    let Some(number) = number else { return StatusCode::GONE.into_response() };
    let outcome = idle.running[number].invoke(&event).await;
    // Whoever takes it may have left.
    _ = idle.give.send(number);
    let Ok(Outcome::Answer(answer)) = outcome else {
        return (StatusCode::BAD_GATEWAY, format!("{outcome:?}")).into_response();
    };
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let retry = answer["multiValueHeaders"]["retry-after"][0]
        .as_str()
        .or(answer["headers"]["retry-after"].as_str());
    let body = answer["body"].as_str().unwrap_or_default().to_owned();
    let mut response = (status.unwrap_or(StatusCode::BAD_GATEWAY), body).into_response();
    if let Some(retry) = retry.and_then(|retry| retry.parse().ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, retry);
    }
    response
}
