//! The functions' own binaries, and what they need outside the tables.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;
use tests::outside::Outside;
use tokio::sync::OnceCell;

use crate::{
    shop::{HOLD, simulator},
    world::aws,
};

/// What the functions need outside the tables: the queues' addresses and the secret's name.
pub struct Things {
    pub queue: String,
    secret: String,
}

pub async fn things() -> &'static Things {
    static THINGS: OnceCell<Things> = OnceCell::const_new();
    THINGS
        .get_or_init(async || {
            let secret = format!("{}/kakaopay", stack::prefix());
            let key = json!({ "secretKey": simulator::KEY }).to_string();
            aws("secretsmanager.CreateSecret", json!({ "Name": secret, "SecretString": key }))
                .await;
            let queue = aws("AmazonSQS.CreateQueue", json!({ "QueueName": stack::prefix() })).await;
            Things { queue: queue["QueueUrl"].as_str().unwrap().to_owned(), secret }
        })
        .await
}

/// The function's own binary, with nothing outside but through the proxies.
pub fn program(name: &str, things: &Things, outside: &Outside) -> Command {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug").join(name);
    let mut program = Command::new(binary);
    program.stdout(Stdio::null()).env_clear().envs([
        ("AWS_REGION", "ap-northeast-2"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", outside.url("aws")),
        ("STAGE", "test"),
        ("TABLE_PREFIX", stack::prefix()),
        ("JWT_PUBLIC_KEYS", stack::PUBLIC_KEYS),
        ("KAKAOPAY_URL", outside.url("kakaopay")),
        ("KAKAOPAY_CID", simulator::CID),
        ("KAKAOPAY_SECRET_ID", &things.secret),
        ("CURSOR_SECRET_ID", "none/cursor"),
        ("PUBLIC_URL", "http://127.0.0.1:3000"),
        ("HOLD_SECONDS", &HOLD.as_secs().to_string()),
        ("HOLD_QUEUE_URL", &things.queue),
        ("RECONCILE_QUEUE_URL", &things.queue),
        ("REFUNDS_QUEUE_URL", &things.queue),
        ("MAIL_QUEUE_URL", &things.queue),
        ("REFUND_RATE", "1000"),
    ]);
    program
}
